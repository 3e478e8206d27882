"""LoveDA (Wang et al., NeurIPS 2021): land cover of Nanjing, Changzhou and Wuhan at 0.3 m."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fewscape.core import IGNORE, DatasetError
from fewscape.datasets.published.archives import Download, SourceFile, note_once
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.prepared import (
    ClassTable,
    PreparedWriter,
    check_size,
    read_picture,
)
from fewscape.datasets.published.report import PrepareReport

LOVEDA = ClassTable(
    names=("background", "building", "road", "water", "barren", "forest", "agricultural"),
    colours=(
        (255, 255, 255),
        (255, 0, 0),
        (255, 255, 0),
        (0, 0, 255),
        (159, 129, 183),
        (0, 255, 0),
        (255, 195, 128),
    ),
)
"""Background is a class like the others and is scored."""

SPLIT_IMAGES = {"train": 2522, "val": 1669, "test": 1796}
"""The official splits; labels of the test images are withheld."""

GUIDE = DownloadGuide(
    "loveda",
    ("LoveDA: https://zenodo.org/records/5706578",),
    """\
Train.zip, Val.zip, Test.zip
or {Train,Val,Test}/{Urban,Rural}/{images_png,masks_png}/0.png ..., of Test images only
""",
)

MEMBER = re.compile(
    r"(?:^|/)(Train|Val|Test)/(?:.*/)?(Urban|Rural)/(images_png|masks_png)/([^/]+)\.png$"
)


def prepare_loveda(
    source: Path, output: Path, on_image: Callable[[str], None] = lambda name: None
) -> PrepareReport:
    """Prepare LoveDA from ``Train.zip``, ``Val.zip`` and ``Test.zip``, packed or unpacked.

    Ids in the files are 1 to 7, and 0 is nodata; here they are 0 to 6 and 255. Labels of test
    images are all 255, so that predictions can be written for the server.

    Args:
        source: folder of the download.
        output: folder of the data set.
        on_image: called with every finished image.

    Raises:
        DatasetError: LoveDA is absent, a mask is missing, or a file is damaged.
        OutputError: the folder cannot be written.
    """
    report = PrepareReport(expected=SPLIT_IMAGES)
    command = GUIDE.command(source, output)
    with Download(source) as download, PreparedWriter(output, LOVEDA, on_image, command) as writer:
        images, masks = _find(download, source)
        for (split, stem), image in sorted(images.items()):
            pixels = read_picture(image)
            if split == "test":
                ids = np.full(pixels.shape[:2], IGNORE, np.uint8)
            else:
                ids = _read_mask(masks, split, stem)
            check_size(stem, pixels.shape[:2], ids.shape)
            writer.add(stem, ".png", image, {"labels": ids})
            writer.splits.setdefault(split, []).append(stem)
            report.images[split] += 1
    return report


def _find(
    download: Download, source: Path
) -> tuple[dict[tuple[str, str], SourceFile], dict[tuple[str, str], SourceFile]]:
    """Find images and masks by split and name."""
    found: dict[str, dict[tuple[str, str], SourceFile]] = {"images_png": {}, "masks_png": {}}
    owners: dict[str, SourceFile] = {}
    for file in download:
        if match := MEMBER.search(file.path):
            split, _, kind, stem = match.groups()
            key = split.lower(), stem
            if kind == "images_png":
                note_once(owners, stem, file, "image")  # names are unique over all splits
            found[kind][key] = file
    if not found["images_png"]:
        raise DatasetError(
            f"'{source}' has no files of LoveDA",
            "expected Train.zip, Val.zip and Test.zip, packed or unpacked",
            f"check --source, or {GUIDE.format(source)}",
        )
    return found["images_png"], found["masks_png"]


def _read_mask(masks: dict[tuple[str, str], SourceFile], split: str, stem: str) -> np.ndarray:
    if (split, stem) not in masks:
        raise DatasetError(
            f"the {split} image '{stem}' has no mask",
            f"expected masks_png/{stem}.png beside images_png",
            "the download is incomplete; download it again",
        )
    raw = read_picture(masks[split, stem])[..., 0]
    if int(raw.max(initial=0)) > len(LOVEDA.names):
        raise DatasetError(
            f"'{masks[split, stem].path}' contains the id {int(raw.max())}",
            f"expected 0 to {len(LOVEDA.names)}",
            "use the masks of the original download, not converted ones",
        )
    return np.where(raw == 0, np.uint8(IGNORE), raw - np.uint8(1)).astype(np.uint8)
