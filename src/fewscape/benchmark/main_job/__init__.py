"""The main job as a benchmark: simulated users draw a little, ``fewscape map`` maps the rest."""
