"""A seeded generator of aerial-looking georeferenced scenes with exact labels."""

from fewscape.synthetic.dataset import SyntheticScenes
from fewscape.synthetic.files import write_folder, write_scene
from fewscape.synthetic.scenes import make_scene
from fewscape.synthetic.spec import (
    BANDS,
    SYNTHETIC_CLASSES,
    Cover,
    SceneSpec,
    SyntheticScene,
)

__all__ = [
    "BANDS",
    "SYNTHETIC_CLASSES",
    "Cover",
    "SceneSpec",
    "SyntheticScene",
    "SyntheticScenes",
    "make_scene",
    "write_folder",
    "write_scene",
]
