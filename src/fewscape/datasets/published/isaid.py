"""iSAID-5i (Yao et al., TGRS 2022): 256-pixel tiles of iSAID, fifteen classes of objects."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fewscape.core import IGNORE, DatasetError
from fewscape.datasets.published.archives import Download, SourceFile, note_once
from fewscape.datasets.published.colour_labels import decode_colours
from fewscape.datasets.published.prepared import (
    Bytes,
    ClassTable,
    PreparedWriter,
    PrepareReport,
    check_size,
    read_picture,
)

ISAID = ClassTable(
    names=(
        "background",
        "ship",
        "storage tank",
        "baseball diamond",
        "tennis court",
        "basketball court",
        "ground track field",
        "bridge",
        "large vehicle",
        "small vehicle",
        "helicopter",
        "swimming pool",
        "roundabout",
        "soccer ball field",
        "plane",
        "harbor",
    ),
    colours=(
        (0, 0, 0),
        (0, 0, 63),
        (0, 63, 63),
        (0, 63, 0),
        (0, 63, 127),
        (0, 63, 191),
        (0, 63, 255),
        (0, 127, 63),
        (0, 127, 127),
        (0, 0, 127),
        (0, 0, 191),
        (0, 0, 255),
        (0, 191, 127),
        (0, 127, 191),
        (0, 127, 255),
        (0, 100, 155),
    ),
    unscored=("background",),
)
"""Fold i holds out the classes 5 i + 1 to 5 i + 5; background is what no class covers."""

TILES = {"train": 18_076, "val": 6_363}
"""Tiles with an object, in the published lists."""

PAIRS = {
    "train": (4335, 961, 542, 2592, 660, 1478, 246, 3931, 5302, 78, 243, 219, 2131, 1890, 3624),
    "val": (1592, 280, 240, 813, 183, 547, 96, 1190, 1814, 10, 74, 54, 738, 1000, 1432),
}
"""Tiles of each class in the published lists, from class 1."""

SIDE, STRIDE = 256, 206
"""Of the tiles in pixels; those at the right and lower edges are moved inward."""

SPLITS = {"train": "train", "trn": "train", "val": "val"}
MASK_ENDING = "_instance_color_RGB"
MEMBER = re.compile(r"(?:^|[/\\])(train|trn|val)(?:\.zip)?/(?:.*/)?([^/]+)\.png$", re.IGNORECASE)
INSTANCES = "_instance_id_RGB"


class Scene(NamedTuple):
    """An image of iSAID with its mask."""

    split: str
    stem: str
    image: SourceFile
    mask: SourceFile


def prepare_isaid5i(
    source: Path, output: Path, on_image: Callable[[str], None] = lambda name: None
) -> PrepareReport:
    """The generic layout from original iSAID, or from tiles that others have cut.

    Original masks are coloured; their images are cut into tiles of 256 x 256 pixels every 206,
    of which those with an object are kept. Masks with one band hold ids already: their images
    are tiles, and are kept as they are. Images are found in folders ``train`` (or ``trn``) and
    ``val``, masks by the ending ``_instance_color_RGB``; which folders lie between does not matter.

    Args:
        source: folder of the download.
        output: folder of the data set.
        on_image: called with every finished tile.

    Raises:
        DatasetError: nothing of iSAID is there, a mask is missing, or a file is damaged.
        OutputError: the folder cannot be written.
    """
    report = PrepareReport(expected=TILES, expected_pairs=_name_pairs())
    with Download(source) as download, PreparedWriter(output, ISAID, on_image) as writer:
        writer.pairs = report.expected_pairs
        for scene in _find(download, source):
            for stem, image, ids in _make_tiles(scene, report):
                writer.add(stem, ".png", image, {"labels": ids})
                writer.splits.setdefault(scene.split, []).append(stem)
                report.count(scene.split, ids, ISAID.names)
    return report


def plan_tiles(length: int) -> list[int]:
    """Where tiles begin along an axis.

    Examples:
        >>> plan_tiles(256), plan_tiles(500), plan_tiles(100)
        ([0], [0, 206, 244], [0])
    """
    last = max(length - SIDE, 0)
    return [*range(0, last, STRIDE), last]


def _name_pairs() -> dict[str, dict[str, int]]:
    return {
        split: dict(zip(ISAID.names[1:], counts, strict=True)) for split, counts in PAIRS.items()
    }


def _find(download: Download, source: Path) -> Iterator[Scene]:
    images: dict[tuple[str, str], SourceFile] = {}
    masks: dict[tuple[str, str], SourceFile] = {}
    for file in download:
        match = MEMBER.search(file.path)
        if match is None or match[2].endswith(INSTANCES):
            continue
        is_mask = match[2].endswith(MASK_ENDING)
        key = SPLITS[match[1].lower()], match[2].removesuffix(MASK_ENDING)
        found, what = (masks, "mask") if is_mask else (images, "image")
        note_once(found, key, file, what)
    if not images:
        raise DatasetError(
            f"'{source}' holds nothing of iSAID",
            "expected train/images/P0000.png and train/Semantic_masks/images/"
            "P0000_instance_color_RGB.png, and the same in val, unpacked or as ZIP files",
            "download the masks of iSAID and the images of DOTA 1.0 into one folder",
        )
    for (split, stem), image in sorted(images.items()):
        if (split, stem) not in masks:
            raise DatasetError(
                f"the {split} image '{image.path}' has no mask",
                f"expected {stem}{MASK_ENDING}.png in a folder of '{split}'",
                "the download is incomplete; fetch it again",
            )
        yield Scene(split, stem, image, masks[split, stem])


def _make_tiles(scene: Scene, report: PrepareReport) -> Iterator[tuple[str, SourceFile, Bytes]]:
    """Name, image and ids of each tile with an object."""
    picture = read_picture(scene.mask)
    if picture.shape[2] == 1:
        yield scene.stem, scene.image, _check_ids(scene, picture[..., 0])
        return
    palette = {colour: number for number, colour in enumerate(ISAID.colours)}
    ids, unlisted = decode_colours(picture[..., :3], palette)
    if unlisted:
        report.unlisted[scene.mask.path] = unlisted
    image = read_picture(scene.image)[..., :3]
    check_size(scene.stem, image.shape[:2], ids.shape)
    for row in plan_tiles(ids.shape[0]):
        for col in plan_tiles(ids.shape[1]):
            part = ids[row : row + SIDE, col : col + SIDE]
            if not ((part > 0) & (part != IGNORE)).any():
                continue
            shown = image[row : row + SIDE, col : col + SIDE]
            missing = SIDE - part.shape[0], SIDE - part.shape[1]
            padding = ((0, missing[0]), (0, missing[1]))
            part = np.pad(part, padding, constant_values=IGNORE)
            stem = f"{scene.stem}_{row}_{row + SIDE}_{col}_{col + SIDE}"
            yield stem, _as_file(stem, np.pad(shown, (*padding, (0, 0)))), part


def _check_ids(scene: Scene, ids: Bytes) -> Bytes:
    strange = np.setdiff1d(ids, [*range(len(ISAID.names)), IGNORE])
    if len(strange):
        raise DatasetError(
            f"'{scene.mask.path}' contains the id {strange[0]}",
            f"expected 0 to {len(ISAID.names) - 1}, and {IGNORE} for unknown",
            "give the tiles of the published preparation, or original iSAID",
        )
    return ids


def _as_file(stem: str, pixels: Bytes) -> SourceFile:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return SourceFile(f"{stem}.png", lambda: io.BytesIO(buffer.getvalue()))
