"""Read folders of panchromatic and multispectral pairs, with or without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import DatasetError
from fewscape.raster import PanMsPair, PanMsReader

PAN_NAMES = ("pan", "I_PAN")
MS_NAMES = ("ms", "I_MS")
LABEL_NAMES = ("labels", "label")
MS_FILES = ("ms.tif", "ms4.tif")
"""Names that published data sets use."""
MAX_BANDS = 16
"""Arrays with a last side up to this and a larger first side have their bands last."""

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A pair with its labels and split."""

    name: str
    pair: PanMsPair
    valid: npt.NDArray[np.bool_]
    """(h, w)."""
    labels: Labels | None
    """(h, w) from 1, 0 unlabelled; None if there are none."""
    train: npt.NDArray[np.bool_] | None
    """(h, w) training area, if the data set has a split."""
    test: npt.NDArray[np.bool_] | None
    """(h, w) test area, likewise."""


def find_pairs(folder: Path | str) -> list[Path]:
    """Find pairs below a folder: ``.npz`` files, and folders with ``pan.tif`` and ``ms.tif``.

    Raises:
        DatasetError: the folder is missing or has none.
    """
    root = Path(folder)
    inside = [path.parent for path in root.rglob("pan.tif") if _find_ms(path.parent) is not None]
    found = sorted([*root.rglob("*.npz"), *inside])
    if not found:
        raise DatasetError(
            f"there is no pair in '{root}'",
            "expected .npz files with 'pan' and 'ms', or folders with pan.tif and ms.tif",
            "check the path",
        )
    return found


def read_pair(path: Path, bands: Sequence[int] = (1, 2, 3, 4)) -> LabelledPair:
    """Read one pair found by ``find_pairs``.

    An ``.npz`` file holds ``pan`` (H, W), ``ms`` with its bands first or last, and perhaps
    ``labels`` (h, w). A folder holds ``pan.tif`` and ``ms.tif`` (or ``ms4.tif``) and perhaps
    ``label.npy`` or ``labels.npy``, and ``train.npy`` and ``test.npy`` with the labels of the
    pixels for training and for the test.

    Args:
        path: the file or folder.
        bands: band numbers from 1 of blue, green, red and near infrared.

    Raises:
        DatasetError: an array is missing, or labels are not on the multispectral grid.
        SceneError: the ratio of sizes is not 2 or 4, or a raster is invalid.
    """
    return _read_arrays(path, bands) if path.suffix == ".npz" else _read_folder(path, bands)


def _read_arrays(path: Path, bands: Sequence[int]) -> LabelledPair:
    with np.load(path) as arrays:
        pan, ms = (_pick(arrays, names, path) for names in (PAN_NAMES, MS_NAMES))
        labels = next((arrays[name] for name in LABEL_NAMES if name in arrays), None)
    if ms.ndim == 3 and ms.shape[2] <= MAX_BANDS < ms.shape[0]:
        ms = ms.transpose(2, 0, 1)
    if ms.ndim != 3 or max(bands) > len(ms):
        raise DatasetError(
            f"the bands {','.join(map(str, bands))} of '{path}' cannot be read",
            f"its multispectral array has the shape {ms.shape}",
            "choose other bands",
        )
    chosen = np.ascontiguousarray(ms[[band - 1 for band in bands]])
    pair = PanMsPair(chosen, pan, max(1, round(pan.shape[0] / chosen.shape[1])))
    valid = np.ones(chosen.shape[1:], bool)
    return _with_labels(path.stem, pair, valid, labels, None, None)


def _read_folder(path: Path, bands: Sequence[int]) -> LabelledPair:
    ms = _find_ms(path)
    assert ms is not None, "find_pairs saw it"
    with PanMsReader(path / "pan.tif", ms, bands) as reader:
        pair, valid = reader.read()
    train, test = (_load(path / name) for name in ("train.npy", "test.npy"))
    labels = next(
        (found for n in LABEL_NAMES if (found := _load(path / f"{n}.npy")) is not None), None
    )
    if labels is None and train is not None and test is not None:
        labels = np.where(train > 0, train, test)
    return _with_labels(path.name, pair, valid, labels, train, test)


def _with_labels(
    name: str,
    pair: PanMsPair,
    valid: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.integer] | None,
    train: npt.NDArray[np.integer] | None,
    test: npt.NDArray[np.integer] | None,
) -> LabelledPair:
    for what, array in (("labels", labels), ("training labels", train), ("test labels", test)):
        if array is not None and array.shape != valid.shape:
            raise DatasetError(
                f"the {what} of '{name}' have {' x '.join(map(str, array.shape))} pixels",
                f"expected the multispectral grid, {valid.shape[0]} x {valid.shape[1]}",
            )
    if labels is not None and (labels.min() < 0 or labels.max() > np.iinfo(np.uint8).max):
        raise DatasetError(
            f"the labels of '{name}' reach from {labels.min()} to {labels.max()}",
            "expected 0 for unlabelled and classes from 1 to 255",
        )
    masks = (None if array is None else array > 0 for array in (train, test))
    own = None if labels is None else np.where(valid, labels, 0).astype(np.uint8)
    return LabelledPair(name, pair, valid, own, *masks)


def _find_ms(folder: Path) -> Path | None:
    return next((folder / name for name in MS_FILES if (folder / name).is_file()), None)


def _load(path: Path) -> npt.NDArray[np.integer] | None:
    return np.load(path) if path.is_file() else None


def _pick(
    arrays: np.lib.npyio.NpzFile, names: Sequence[str], path: Path
) -> npt.NDArray[np.generic]:
    name = next((name for name in names if name in arrays), None)
    if name is None:
        raise DatasetError(
            f"'{path}' has no array '{names[0]}'",
            f"its arrays are {', '.join(arrays) or 'none'}",
            "store 'pan' (H, W) and 'ms' (bands, h, w)",
        )
    found: npt.NDArray[np.generic] = arrays[name]
    return found
