"""Fingerprints of labels, which identify a version of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import ManifestError
from fewscape.datasets.folder import as_labels
from fewscape.datasets.image_files import ImageFiles
from fewscape.datasets.manifest import Manifest


class LabelsHash:
    """SHA-256 of label files: path, shape and ids of each, in the order of addition.

    It covers decoded ids rather than bytes, so compression and library versions do not matter.

    Examples:
        >>> first, second = LabelsHash(), LabelsHash()
        >>> first.add("labels/a.tif", np.zeros((2, 3), np.uint8))
        >>> second.add("labels/a.tif", np.zeros((3, 2), np.uint8))
        >>> first.hexdigest() == second.hexdigest()
        False
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, path: str, labels: npt.NDArray[np.uint8]) -> None:
        """Add a file.

        Args:
            path: relative path with forward slashes.
            labels: (H, W) ids.
        """
        height, width = labels.shape
        self._hash.update(f"{path}\0{height} {width}\0".encode())
        self._hash.update(np.ascontiguousarray(labels, np.uint8).tobytes())

    def hexdigest(self) -> str:
        """The fingerprint of the files added so far."""
        return self._hash.hexdigest()


def hash_labels(root: Path | str, paths: Iterable[str]) -> str:
    """Fingerprint of label files, in the sorted order of their paths.

    Every file is read once and not kept.

    Args:
        root: folder that the paths are relative to.
        paths: of single-channel label files.

    Raises:
        DatasetError: a file is missing, damaged, or not a label file.
    """
    files = ImageFiles(root, cache_bytes=0)
    found = LabelsHash()
    for path in sorted(set(paths)):
        found.add(path, as_labels(files.read(path), path))
    return found.hexdigest()


def check_labels(manifest: Manifest, root: Path | str) -> None:
    """Check that the labels are those of a manifest.

    All label files of the whole manifest are read, even for a part of it, since there is one hash.
    A manifest without ``labels_sha256`` passes.

    Args:
        manifest: the episodes.
        root: folder that its paths are relative to.

    Raises:
        ManifestError: a file is absent, or the labels are of another version.
        DatasetError: a file is damaged.
    """
    if manifest.labels_sha256 is None:
        return
    paths = manifest.hashed_labels
    absent = [path for path in paths if not (Path(root) / path).is_file()]
    if absent:
        raise ManifestError(
            f"the manifest '{manifest.name}' was made for '{absent[0]}', which does not exist "
            f"under '{root}'",
            f"{len(absent)} of its {len(paths)} label files are absent",
            "set --root to the folder that the paths are relative to",
        )
    found = hash_labels(root, paths)
    if found != manifest.labels_sha256:
        raise ManifestError(
            f"the labels under '{root}' are not those the manifest '{manifest.name}' was made for",
            f"expected the SHA-256 {manifest.labels_sha256[:12]} over its {len(paths)} label "
            f"files, found {found[:12]}",
            "prepare the version of the data that the manifest was made for (fewscape data "
            "verify shows it), or make new episodes with: fewscape episodes make",
        )
