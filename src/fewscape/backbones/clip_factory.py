"""Build CLIP's towers and the vectors of the class names."""

from __future__ import annotations

from fewscape.backbones.clip import ClipConfig, ClipEncoder, OpenClip
from fewscape.backbones.clip_stub import StubClip
from fewscape.backbones.clip_text import ClassTexts, read_texts
from fewscape.core import ConfigError

STUB = "stub"
MIN_CLASSES = 2
"""Minimum number of classes."""


def make_clip(config: ClipConfig) -> tuple[ClipEncoder, ClassTexts]:
    """Make the image tower and the texts of a network; the text tower is freed.

    Raises:
        ConfigError: there are fewer than two names, a duplicate name, or an unknown architecture.
        MissingPackageError: open_clip is not installed.
        WeightsError: weights or texts cannot be read or do not fit.
    """
    names = list(config.class_names)
    if len(names) < MIN_CLASSES or len(set(names)) < len(names):
        raise ConfigError(
            f"class_names are {names}",
            f"expected at least {MIN_CLASSES} names, each once",
            "name every class of the data set in the order of its ids",
        )
    is_stub = config.architecture == STUB
    clip = StubClip() if is_stub else OpenClip(config.architecture, config.weights)
    if config.texts is None:
        vectors = clip.encode_text(names)
    else:
        vectors = read_texts(config.texts, names, clip.width)
    clip.release_text()
    return clip, ClassTexts(names, vectors)
