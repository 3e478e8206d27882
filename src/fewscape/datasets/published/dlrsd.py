"""DLRSD (Shao et al., 2018): dense labels of the 2,100 UC Merced images, seventeen classes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from fewscape.core import DatasetError
from fewscape.datasets.published.archives import Download, SourceFile, note_once
from fewscape.datasets.published.dlrsd_lists import find_unshown, format_lists, make_lists
from fewscape.datasets.published.guide import DownloadGuide
from fewscape.datasets.published.pair_lists import PAIR_LIST, read_pair_lists
from fewscape.datasets.published.prepared import (
    Bytes,
    ClassTable,
    PreparedWriter,
    check_size,
    read_picture,
)
from fewscape.datasets.published.report import PrepareReport
from fewscape.raster.writing.palette import class_colours

NAMES = (
    "airplane",
    "bare soil",
    "buildings",
    "cars",
    "chaparral",
    "court",
    "dock",
    "field",
    "grass",
    "mobile home",
    "pavement",
    "sand",
    "sea",
    "ship",
    "tanks",
    "trees",
    "water",
)
DLRSD = ClassTable(NAMES, tuple(class_colours(len(NAMES))))
"""Ids in the files are 1 to 17, here 0 to 16."""

IMAGES = {"all": 2100, "train": 1470, "val": 630}
"""Images of all scenes, and of the clean split."""
COUNTS = (100, 754, 713, 897, 116, 105, 100, 103, 977, 102, 1331, 291, 101, 103, 100, 1021, 208)
"""Images of each class in the published data."""

TRAIN_SHARE, SEED = 0.7, 0
"""Seed of the clean split, drawn within each scene so that no image is in both parts."""

GUIDE = DownloadGuide(
    "dlrsd",
    (
        "UC Merced Land Use: http://weegee.vision.ucmerced.edu/datasets/landuse.html",
        "DLRSD: https://sites.google.com/view/zhouwx/dataset",
    ),
    """\
UCMerced_LandUse/Images/airplane/airplane00.tif ...
DLRSD/Labels/airplane/airplane00.png ...
DLRSD_5i/{trn,val}/split{0,1,2}.txt    for dlrsd-b only: lists of PCFNet's code, or, of
                                       ICPD-Net's, {trn,val}/fold{0,1,2}.txt
""",
)

OWN_NAME = re.compile(r"[A-Za-z]+\d\d")
MEMBER = re.compile(
    r"(?:^|/)(Images|Labels)/(?:[^/]+/)?([A-Za-z]+)(\d+)\.(tif|png)$", re.IGNORECASE
)


def prepare_dlrsd(
    source: Path, output: Path, on_image: Callable[[str], None] = lambda name: None
) -> PrepareReport:
    """Prepare DLRSD from UC Merced's ``Images`` and DLRSD's ``Labels``, zipped or not.

    The splits ``train`` and ``val`` are the clean ones: 70 % and 30 % of the images of each scene.
    The published lists are drawn per class or fold, so that most test images are training images of
    other classes; they use the split ``all``. Lists of DLRSD-B in the source are stored in
    ``lists.json``.

    Args:
        source: folder with both downloads.
        output: folder of the data set.
        on_image: called with every finished image.

    Raises:
        DatasetError: a download is absent, labels are missing, or a file is damaged.
        OutputError: the folder cannot be written.
    """
    report = PrepareReport(
        expected=IMAGES, expected_pairs={"all": dict(zip(NAMES, COUNTS, strict=True))}
    )
    command = GUIDE.command(source, output)
    shown: dict[str, list[str]] = {}
    with Download(source) as download, PreparedWriter(output, DLRSD, on_image, command) as writer:
        writer.pairs = report.expected_pairs
        images, labels, lists = _find(download, source)
        writer.splits = split_clean(list(images))
        writer.lists = make_lists(read_pair_lists(lists, OWN_NAME, len(NAMES)), images, NAMES)
        for stem, image in images.items():
            ids = _read_labels(labels, stem)
            check_size(stem, read_picture(image).shape[:2], ids.shape)
            writer.add(stem, PurePosixPath(image.path).suffix, image, {"labels": ids})
            report.count("all", ids, NAMES)
            shown[stem] = [NAMES[number] for number in np.unique(ids)]
        for split in ("train", "val"):
            report.images[split] = len(writer.splits[split])
    report.unshown += find_unshown(writer.lists, shown)
    report.notes += format_lists(writer.lists)
    return report


def split_clean(stems: list[str]) -> dict[str, list[str]]:
    """Split all images into 70 % and 30 % of each scene.

    Args:
        stems: names such as ``airplane57``; the letters are the scene.
    """
    rng = np.random.default_rng(SEED)
    train: set[str] = set()
    for scene in sorted({stem.rstrip("0123456789") for stem in stems}):
        own = sorted(stem for stem in stems if stem.rstrip("0123456789") == scene)
        train.update(rng.permutation(own)[: round(TRAIN_SHARE * len(own))].tolist())
    return {
        "all": stems,
        "train": [stem for stem in stems if stem in train],
        "val": [stem for stem in stems if stem not in train],
    }


def _find(
    download: Download, source: Path
) -> tuple[dict[str, SourceFile], dict[str, SourceFile], list[SourceFile]]:
    """Find images and labels by name, and lists."""
    found: dict[str, dict[str, SourceFile]] = {"images": {}, "labels": {}}
    lists = []
    for file in download:
        if PAIR_LIST.search(file.path):
            lists.append(file)
        elif match := MEMBER.search(file.path):
            kind = match[1].lower()
            note_once(found[kind], f"{match[2]}{match[3]}", file, kind.removesuffix("s"))
    for what, name in (("images", "UC Merced"), ("labels", "DLRSD")):
        if not found[what]:
            raise DatasetError(
                f"'{source}' has no {what} of {name}",
                "expected the images of UC Merced Land Use and the labels of DLRSD",
                f"check --source, or {GUIDE.format(source)}",
            )
    return dict(sorted(found["images"].items())), found["labels"], lists


def _read_labels(labels: dict[str, SourceFile], stem: str) -> Bytes:
    if stem not in labels:
        raise DatasetError(
            f"the image '{stem}' has no labels",
            f"expected {stem}.png in Labels",
            "the download of DLRSD is incomplete; download it again",
        )
    raw = read_picture(labels[stem])
    if raw.shape[2] != 1 or raw.min() < 1 or raw.max() > len(NAMES):
        raise DatasetError(
            f"'{labels[stem].path}' has {raw.shape[2]} bands and values from {raw.min()} to "
            f"{raw.max()}",
            f"expected one band with ids from 1 to {len(NAMES)}",
            "use the label files of DLRSD, not coloured copies",
        )
    ids: Bytes = raw[..., 0] - np.uint8(1)
    return ids
