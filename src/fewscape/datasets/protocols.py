"""The published test protocols by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from fewscape.core import ConfigError, DatasetError, suggest
from fewscape.datasets.folder import FolderDataset

FoldClasses = tuple[tuple[int, ...], ...]
"""Class numbers of each fold, from 1 as in the papers."""

CONSECUTIVE: FoldClasses = tuple(tuple(range(5 * f + 1, 5 * f + 6)) for f in range(3))
DLRSD_B: FoldClasses = ((1, 2, 3, 4, 5), (6, 7, 9, 10, 11), (12, 14, 15, 16, 17))
DLRSD_4I: FoldClasses = ((1, 2, 3, 4), (5, 6, 7, 9), (10, 11, 12, 13), (14, 15, 16, 17))
OBJECT_PIXELS = 2 * 32 * 32
"""Minimum pixels of a class in an image in several papers."""

HeldOutPixels = Literal["unknown", "background", "skip_image"]
"""How pixels of held-out classes are treated in training: ``unknown`` (255) ignores them,
``background`` makes them background, as in several papers, and ``skip_image`` drops images that
show them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The data, classes and rules of a published test.

    Attributes:
        dataset: name of the prepared folder.
        folds: classes of each fold, see ``FoldClasses``.
        first_id: id of class 1 in the labels.
        train_split: images for training and model selection.
        held_out_pixels: how pixels of the tested classes are treated in training.
        skip_image_pixels: for ``skip_image``, the number of held-out pixels from which an image is
            dropped; fewer are background.
        train_min_pixels: minimum pixels of a class in a training query or support.
        test_split: images of test queries and supports.
        lists: name of the published lists of (image, class) pairs; all pairs if None.
        episodes: number of sampled episodes; if None or larger than the number of (image, class)
            pairs, every pair once.
        min_pixels: minimum pixels of a class in a test image.
        tile_size: side of the images, pixels.
        image_size: side that they are resized to.
        seed: random seed of the supports.
        note: papers that use it, and its limits.
    """

    dataset: str
    folds: FoldClasses
    first_id: int
    train_split: str = "train"
    held_out_pixels: HeldOutPixels
    skip_image_pixels: int = 1
    train_min_pixels: int = 1
    test_split: str = "val"
    lists: str | None = None
    episodes: int | None = None
    min_pixels: int = 1
    tile_size: int = 256
    image_size: int = 256
    seed: int = 0
    note: str


_P1 = Protocol(
    dataset="isaid5i",
    folds=CONSECUTIVE,
    first_id=1,
    held_out_pixels="background",
    note="SCCNet, MGCL: every pair once; training tiles that show novel classes are kept, a "
    "quarter to a third of the training pairs come from such tiles",
)
_DLRSD_A = Protocol(
    dataset="dlrsd",
    folds=CONSECUTIVE,
    first_id=0,
    train_split="all",
    held_out_pixels="background",
    test_split="all",
    note="SCCNet, MGCL, HRL: no image is held out; nine of ten tested images are trained on",
)
_DLRSD_C = replace(
    _DLRSD_A,
    train_split="train",
    held_out_pixels="unknown",
    test_split="val",
    note="classes of dlrsd-a on images that no training has seen; nobody has published on it",
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "isaid5i-p1": _P1,
        "isaid5i-p1-1000": replace(
            _P1,
            train_min_pixels=32 * 32,
            episodes=1000,
            seed=1385,
            note="SDM: as p1, but 1,000 drawn pairs; training objects have 1,024 pixels or more",
        ),
        "isaid5i-p2": replace(
            _P1,
            dataset="isaid5i-512",
            held_out_pixels="skip_image",
            skip_image_pixels=OBJECT_PIXELS,
            train_min_pixels=OBJECT_PIXELS,
            episodes=1000,
            min_pixels=OBJECT_PIXELS,
            tile_size=512,
            image_size=512,
            note="R2Net, PCNet, HRL: tiles of 512 pixels, large objects; training tiles with a "
            "large novel object are left out, small ones stay as background",
        ),
        "isaid5i-p3": replace(
            _P1,
            held_out_pixels="skip_image",
            train_min_pixels=OBJECT_PIXELS,
            episodes=1000,
            min_pixels=OBJECT_PIXELS,
            note="DMNet, MGANet: large objects; training tiles that show a novel class are left "
            "out",
        ),
        "isaid5i-p4": replace(
            _P1,
            held_out_pixels="skip_image",
            skip_image_pixels=OBJECT_PIXELS,
            train_min_pixels=OBJECT_PIXELS,
            episodes=1000,
            min_pixels=OBJECT_PIXELS,
            image_size=473,
            note="FRINet: tiles enlarged to 473, large objects; its training of the backbone on "
            "the base classes is not done here",
        ),
        "dlrsd-a": _DLRSD_A,
        "dlrsd-b": replace(
            _DLRSD_A,
            folds=DLRSD_B,
            lists="dlrsd-b",
            episodes=1000,
            note="PCFNet: no field, no sea; its lists, which are not aligned over folds, so that "
            "three of four tested images are trained on",
        ),
        "dlrsd-4i": replace(
            _DLRSD_A, folds=DLRSD_4I, note="MS2A2Net's classes; no image is held out"
        ),
        "dlrsd-c": _DLRSD_C,
        "dlrsd-c-b": replace(
            _DLRSD_C,
            folds=DLRSD_B,
            note="classes of dlrsd-b on images that no training has seen; nobody has published "
            "on it",
        ),
    }
)


BENCHMARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "isaid5i": tuple(name for name in PROTOCOLS if name.startswith("isaid5i")),
        "dlrsd5i": tuple(name for name in PROTOCOLS if name.startswith("dlrsd")),
    }
)
"""Protocols of each benchmark, the default first."""


def find_benchmark(name: str, protocol: str | None = None) -> str:
    """Find the name of a benchmark's protocol.

    Args:
        name: name of the benchmark.
        protocol: full name or suffix, such as ``p1``; the default if not given.

    Raises:
        ConfigError: the benchmark or protocol does not exist.

    Examples:
        >>> find_benchmark("isaid5i", "p3"), find_benchmark("dlrsd5i")
        ('isaid5i-p3', 'dlrsd-a')
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"there is no benchmark '{name}'", "", suggest(name, BENCHMARKS))
    known = BENCHMARKS[name]
    if protocol is None:
        return known[0]
    short = {each.partition("-")[2]: each for each in known}
    if protocol not in known and protocol not in short:
        raise ConfigError(f"{name} has no protocol '{protocol}'", "", suggest(protocol, known))
    return short.get(protocol, protocol)


def find_protocol(name: str) -> Protocol:
    """Find a protocol by name.

    Raises:
        ConfigError: it does not exist.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol '{name}'", "", suggest(name, PROTOCOLS))
    return PROTOCOLS[name]


def novel_classes(protocol: Protocol, fold: int, dataset: FolderDataset) -> dict[int, str]:
    """Ids and names of a fold's test classes.

    Raises:
        ConfigError: there is no such fold.
        DatasetError: the data set lacks a class.
    """
    if not 0 <= fold < len(protocol.folds):
        raise ConfigError(f"there is no fold {fold}", f"expected 0 to {len(protocol.folds) - 1}")
    ids = [number - 1 + protocol.first_id for number in protocol.folds[fold]]
    missing = [number for number in ids if number not in dataset.classes]
    if missing:
        raise DatasetError(
            f"the data set '{dataset.name}' has no class with the id {missing[0]}",
            f"expected the prepared '{protocol.dataset}'",
            f"make it with: fewscape data prepare {protocol.dataset}",
        )
    return {number: dataset.classes[number] for number in ids}
