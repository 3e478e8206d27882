"""The content of ``fewscape demo``: scenes, examples, scores and picture."""
