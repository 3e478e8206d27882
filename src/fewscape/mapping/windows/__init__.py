"""Map the windows of a scene and blend them."""
