"""iSAID-5i (Yao et al., TGRS 2022): tiles of iSAID, fifteen classes of objects."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fewscape.core import IGNORE, DatasetError
from fewscape.datasets.published.archives import Download, SourceFile
from fewscape.datasets.published.colour_labels import decode_colours
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.isaid_files import (
    OFFSETS,
    ListedTiles,
    Scene,
    check_tiles,
    find_isaid,
)
from fewscape.datasets.published.prepared import (
    Bytes,
    ClassTable,
    PreparedWriter,
    check_size,
    read_picture,
)
from fewscape.datasets.published.report import PrepareReport

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
"""Fold i holds out the classes 5 i + 1 to 5 i + 5; the rest is background."""

TILES = {"train": 18_076, "val": 6_363}
"""Tiles with an object, in the published lists."""

PAIRS = {
    "train": (4335, 961, 542, 2592, 660, 1478, 246, 3931, 5302, 78, 243, 219, 2131, 1890, 3624),
    "val": (1592, 280, 240, 813, 183, 547, 96, 1190, 1814, 10, 74, 54, 738, 1000, 1432),
}
"""Tiles of each class in the published lists, from class 1."""

PARTS = (
    "masks of iSAID: https://captain-whu.github.io/iSAID",
    "images of DOTA v1.0, its parts train and val: https://captain-whu.github.io/DOTA",
)
ORIGINAL_TREE = """\
train/images/P0000.png ...                                    of DOTA
train/Semantic_masks/images/P0000_instance_color_RGB.png ...  of iSAID
val/images/..., val/Semantic_masks/images/...                 likewise
"""
CUT_TREE = """\
or published tiles in one of these layouts, with or without the lists: {train,val}/images/*.png,
{train,val}/semantic_png/*.png, splits/{train,val}/fold{0,1,2}.txt {trn,val}/images/*.png,
{trn,val}/semantic_png/*.png, {trn,val}/list/split{0,1,2}.txt img_dir/{train,val}/*.png,
ann_dir/{train,val}/*.png, lists/iSAID/{train,val}.txt
"""


@dataclass(frozen=True, slots=True)
class TileSet:
    """A published cut of iSAID."""

    guide: DownloadGuide
    side: int
    """Side of the tiles, pixels; those at the right and lower edges are shifted inward."""
    stride: int
    """Stride of tiles cut here from the original images, pixels."""
    tiles: Mapping[str, int]
    """Published number of tiles, by split."""
    pairs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Published number of tiles that show each class, by split; empty if unknown."""
    note: str = ""
    """Note about tiles cut here."""


ISAID5I = TileSet(
    DownloadGuide("isaid5i", PARTS, ORIGINAL_TREE + CUT_TREE),
    side=256,
    stride=206,
    tiles=TILES,
    pairs={s: dict(zip(ISAID.names[1:], counts, strict=True)) for s, counts in PAIRS.items()},
)

ISAID5I_512 = TileSet(
    DownloadGuide("isaid5i-512", PARTS, ORIGINAL_TREE + CUT_TREE),
    side=512,
    stride=412,
    tiles={"train": 22_972, "val": 7_581},
    note="the stride of the published tiles of 512 pixels is not known; these were cut every 412, "
    "so their number and their scores differ from the published ones",
)


def prepare_isaid5i(
    source: Path, output: Path, on_image: Callable[[str], None] = lambda name: None
) -> PrepareReport:
    """Prepare the 256 px tiles, see ``prepare_tiles``.

    Their published stride is 206 pixels, according to their names.
    """
    return prepare_tiles(ISAID5I, source, output, on_image)


def prepare_isaid5i_512(
    source: Path, output: Path, on_image: Callable[[str], None] = lambda name: None
) -> PrepareReport:
    """Prepare the 512 px tiles of protocol P2, see ``prepare_tiles``.

    Lists of R2Net have 22,972 images for training and 7,581 for validation; their stride is not
    published. Original images are cut here with a stride of 412 pixels, an overlap of a fifth of
    the side as in the 256 px tiles, so the number of tiles differs.
    """
    return prepare_tiles(ISAID5I_512, source, output, on_image)


def prepare_tiles(
    kind: TileSet, source: Path, output: Path, on_image: Callable[[str], None]
) -> PrepareReport:
    """Prepare iSAID from the original images or from published tiles.

    Original masks are coloured; their images are cut into tiles, and tiles with an object are kept.
    Masks with one band have ids: their images are tiles and are copied. For files and lists see
    ``find_isaid``; tiles that are not in a split's lists are skipped.

    Args:
        kind: ``ISAID5I`` or ``ISAID5I_512``.
        source: folder of the download.
        output: folder of the data set.
        on_image: called with every finished tile.

    Raises:
        DatasetError: iSAID is absent, a mask or listed tile is missing, tiles have a wrong size or
            are duplicated, a mask has unknown ids, or a file is damaged.
        OutputError: the folder cannot be written.
    """
    report = PrepareReport(expected=kind.tiles, expected_pairs=kind.pairs)
    command = kind.guide.command(source, output)
    with Download(source) as download, PreparedWriter(output, ISAID, on_image, command) as writer:
        writer.pairs = kind.pairs
        scenes, listed = find_isaid(download, source, kind.guide)
        for scene in scenes:
            own = listed.get(scene.split)
            for stem, image, ids in _make_tiles(kind, scene, own, report):
                writer.add(stem, ".png", image, {"labels": ids})
                writer.splits.setdefault(scene.split, []).append(stem)
                report.count(scene.split, ids, ISAID.names)
                if own is not None:
                    unshown = np.setdiff1d([*own.classes[stem]], ids)
                    report.unshown += [f"{stem} / {ISAID.names[number]}" for number in unshown]
        for split, own in listed.items():
            check_tiles(own, writer.splits.get(split, []))
    return report


def plan_tiles(length: int, side: int = ISAID5I.side, stride: int = ISAID5I.stride) -> list[int]:
    """Origins of tiles along an axis.

    Examples:
        >>> plan_tiles(256), plan_tiles(500), plan_tiles(100)
        ([0], [0, 206, 244], [0])
    """
    last = max(length - side, 0)
    return [*range(0, last, stride), last]


def _make_tiles(
    kind: TileSet, scene: Scene, listed: ListedTiles | None, report: PrepareReport
) -> Iterator[tuple[str, SourceFile, Bytes]]:
    """Yield name, image and ids of each tile to keep."""
    is_wanted = listed is None or scene.stem in listed.classes
    if not is_wanted and OFFSETS.search(scene.stem):
        return
    picture = read_picture(scene.mask)
    is_coloured = picture.shape[2] > 1
    ids = _read_colours(scene, picture, report) if is_coloured else _check_ids(scene, picture)
    image = read_picture(scene.image)[..., :3]
    check_size(scene.stem, image.shape[:2], ids.shape)
    if not is_coloured or OFFSETS.search(scene.stem):
        if is_wanted:
            _check_side(kind, scene, ids.shape)
            yield scene.stem, scene.image, ids
        return
    if kind.note and kind.note not in report.notes:
        report.notes.append(kind.note)
    yield from _cut_tiles(kind, scene.stem, image, ids, listed)


def _cut_tiles(
    kind: TileSet, scene: str, image: Bytes, ids: Bytes, listed: ListedTiles | None
) -> Iterator[tuple[str, SourceFile, Bytes]]:
    """Cut the listed tiles of an original image, or those with an object."""
    side = kind.side
    starts = partial(plan_tiles, side=side, stride=kind.stride)
    for row in starts(ids.shape[0]):
        for col in starts(ids.shape[1]):
            stem = f"{scene}_{row}_{row + side}_{col}_{col + side}"
            part = ids[row : row + side, col : col + side]
            shows_object = bool(((part > 0) & (part != IGNORE)).any())
            if not (shows_object if listed is None else stem in listed.classes):
                continue
            shown = image[row : row + side, col : col + side]
            missing = side - part.shape[0], side - part.shape[1]
            padding = ((0, missing[0]), (0, missing[1]))
            part = np.pad(part, padding, constant_values=IGNORE)
            yield stem, _as_file(stem, np.pad(shown, (*padding, (0, 0)))), part


def _read_colours(scene: Scene, picture: Bytes, report: PrepareReport) -> Bytes:
    palette = {colour: number for number, colour in enumerate(ISAID.colours)}
    ids, unlisted = decode_colours(picture[..., :3], palette)
    if unlisted:
        report.unlisted[scene.mask.path] = unlisted
    return ids


def _check_ids(scene: Scene, picture: Bytes) -> Bytes:
    ids = picture[..., 0]
    strange = np.setdiff1d(ids, [*range(len(ISAID.names)), IGNORE])
    if len(strange):
        raise DatasetError(
            f"'{scene.mask.path}' contains the id {', '.join(map(str, strange))}",
            f"expected 0 to {len(ISAID.names) - 1}, and {IGNORE} for unknown",
            "use the published tiles, or original iSAID",
        )
    return ids


def _check_side(kind: TileSet, scene: Scene, size: tuple[int, ...]) -> None:
    if max(size) > kind.side:
        fitting = [each.guide.name for each in (ISAID5I, ISAID5I_512) if each.side == max(size)]
        raise DatasetError(
            f"the tile '{scene.image.path}' has {size[0]} x {size[1]} pixels",
            f"expected at most {kind.side} x {kind.side} for '{kind.guide.name}'",
            f"run fewscape data prepare {fitting[0]}" if fitting else "check --source",
        )


def _as_file(stem: str, pixels: Bytes) -> SourceFile:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return SourceFile(f"{stem}.png", lambda: io.BytesIO(buffer.getvalue()))
