"""The functions behind ``import fewscape``: files, arrays and tables in, results out."""

from fewscape.api.mapping import map_pan_ms, map_scene
from fewscape.api.reading import open_scene, read_examples
from fewscape.api.scoring import evaluate, reproduce

__all__ = [
    "evaluate",
    "map_pan_ms",
    "map_scene",
    "open_scene",
    "read_examples",
    "reproduce",
]
