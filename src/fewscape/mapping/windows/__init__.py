"""Windows of a scene, blended into one map."""
