"""The ISPRS 2D labelling sets of Vaihingen (9 cm, NIR-R-G) and Potsdam (5 cm, RGB)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fewscape.core import IGNORE, DatasetError
from fewscape.datasets.published.archives import Download, SourceFile
from fewscape.datasets.published.colour_labels import Colour, decode_colours
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.prepared import (
    Bytes,
    ClassTable,
    PreparedWriter,
    check_size,
    read_picture,
)
from fewscape.datasets.published.report import PrepareReport

ISPRS = ClassTable(
    names=("impervious surface", "building", "low vegetation", "tree", "car", "clutter"),
    colours=(
        (255, 255, 255),
        (0, 0, 255),
        (0, 255, 255),
        (0, 255, 0),
        (255, 204, 0),
        (255, 0, 0),
    ),
    unscored=("clutter",),
)

PALETTE: dict[Colour, int] = {
    (255, 255, 255): 0,
    (0, 0, 255): 1,
    (0, 255, 255): 2,
    (0, 255, 0): 3,
    (255, 255, 0): 4,
    (255, 0, 0): 5,
    (0, 0, 0): IGNORE,
}
"""Colours of the label files; black is the boundary of the eroded ones."""

PAGE = "https://www.isprs.org/education/benchmarks/UrbanSemLab/default.aspx"

FULL, ERODED = "labels", "labels_eroded"
"""Folders of the two variants of the labels."""


def _tiles(names: str) -> tuple[str, ...]:
    return tuple(names.split())


@dataclass(frozen=True, slots=True)
class IsprsSet:
    """Files and splits of one of the two."""

    name: str
    image: re.Pattern[str]
    """Pattern of image paths with the group ``tile``."""
    labels: re.Pattern[str]
    eroded: re.Pattern[str]
    stem: str
    """Prefix of the prepared files."""
    splits: Mapping[str, tuple[str, ...]]
    """The official test tiles; one of the others is for model selection."""
    archives: str
    """Archives, for the message about an absent download."""

    @property
    def guide(self) -> DownloadGuide:
        """The download guide."""
        part = f"ISPRS 2D semantic labelling, {self.name.capitalize()}: {PAGE}"
        return DownloadGuide(self.name, (part,), f"{self.archives}, packed or unpacked")


VAIHINGEN = IsprsSet(
    name="vaihingen",
    image=re.compile(r"(?:^|/)top/top_mosaic_09cm_area(?P<tile>\d+)\.tif$"),
    labels=re.compile(
        r"(?:ground_truth|gts)(?!.*eroded).*/top_mosaic_09cm_area(?P<tile>\d+)\.tif$"
    ),
    eroded=re.compile(r"/top_mosaic_09cm_area(?P<tile>\d+)_noBoundary\.tif$"),
    stem="top_mosaic_09cm_area",
    splits={
        "train": _tiles("1 3 5 7 11 13 15 17 21 23 26 28 32 34 37"),
        "val": ("30",),
        "test": _tiles("2 4 6 8 10 12 14 16 20 22 24 27 29 31 33 35 38"),
    },
    archives="ISPRS_semantic_labeling_Vaihingen.zip, "
    "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE.zip and "
    "ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip",
)

POTSDAM = IsprsSet(
    name="potsdam",
    image=re.compile(r"/top_potsdam_(?P<tile>\d+_\d+)_RGB\.tif$"),
    labels=re.compile(r"/top_potsdam_(?P<tile>\d+_\d+)_label\.tif$"),
    eroded=re.compile(r"/top_potsdam_(?P<tile>\d+_\d+)_label_noBoundary\.tif$"),
    stem="top_potsdam_",
    splits={
        "train": _tiles(
            "2_11 2_12 3_10 3_11 3_12 4_10 4_11 4_12 5_10 5_11 5_12 "
            "6_7 6_8 6_9 6_10 6_11 6_12 7_7 7_8 7_9 7_11 7_12"
        ),
        "val": ("2_10",),
        "test": _tiles("2_13 2_14 3_13 3_14 4_13 4_14 4_15 5_13 5_14 5_15 6_13 6_14 6_15 7_13"),
        "faulty": ("7_10",),  # its labels are known to be wrong; papers exclude it
    },
    archives="2_Ortho_RGB.zip, 5_Labels_all.zip and 5_Labels_all_noBoundary.zip",
)


def prepare_isprs(
    kind: IsprsSet,
    source: Path,
    output: Path,
    on_image: Callable[[str], None] = lambda name: None,
) -> PrepareReport:
    """Prepare ``images``, ``labels`` and ``labels_eroded`` from the original archives.

    Tiles stay whole: crops are cut on demand, and pixels beyond a tile are unknown. Published
    scripts pad tiles first, and some versions of their libraries label the padding as class 0.

    Args:
        kind: ``VAIHINGEN`` or ``POTSDAM``.
        source: folder of the download.
        output: folder of the data set.
        on_image: called with every finished tile.

    Raises:
        DatasetError: the data set is absent, labels are missing, or a file is damaged.
        OutputError: the folder cannot be written.
    """
    report = PrepareReport(expected={split: len(tiles) for split, tiles in kind.splits.items()})
    command = kind.guide.command(source, output)
    with Download(source) as download, PreparedWriter(output, ISPRS, on_image, command) as writer:
        found = _find(kind, download, source)
        for split, tiles in kind.splits.items():
            for tile in tiles:
                if tile not in found["images"]:
                    continue
                stem, image = f"{kind.stem}{tile}", found["images"][tile]
                labels = _read_labels(kind, found, tile, report)
                height, width = read_picture(image).shape[:2]
                for ids in labels.values():
                    check_size(stem, (height, width), ids.shape)
                writer.add(stem, ".tif", image, labels)
                writer.splits.setdefault(split, []).append(stem)
                report.images[split] += 1
    return report


def _find(kind: IsprsSet, download: Download, source: Path) -> dict[str, dict[str, SourceFile]]:
    """Find images and both variants of labels by tile."""
    found: dict[str, dict[str, SourceFile]] = {"images": {}, FULL: {}, ERODED: {}}
    patterns = {"images": kind.image, FULL: kind.labels, ERODED: kind.eroded}
    for file in download:
        for role, pattern in patterns.items():
            if match := pattern.search("/" + file.path):
                found[role][_normalise(match["tile"])] = file  # archives repeat some labels
    if not found["images"]:
        raise DatasetError(
            f"'{source}' has no image of {kind.name.capitalize()}",
            f"expected {kind.archives}, packed or unpacked",
            f"check --source, or {kind.guide.format(source)}",
        )
    return found


def _normalise(tile: str) -> str:
    """Some files spell tile 6_7 as 6_07."""
    return "_".join(str(int(part)) for part in tile.split("_"))


def _read_labels(
    kind: IsprsSet,
    found: Mapping[str, Mapping[str, SourceFile]],
    tile: str,
    report: PrepareReport,
) -> dict[str, Bytes]:
    labels = {}
    for role in (FULL, ERODED):
        if tile not in found[role]:
            raise DatasetError(
                f"tile {tile} of {kind.name.capitalize()} has no "
                f"{'eroded labels' if role == ERODED else 'labels'}",
                f"expected {kind.archives}",
                "add the missing archive to --source",
            )
        file = found[role][tile]
        labels[role], unlisted = decode_colours(read_picture(file)[..., :3], PALETTE)
        if unlisted:
            report.unlisted[file.path] = unlisted
    return labels
