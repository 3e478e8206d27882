"""``fewscape regions``: precompute region maps."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fewscape.datasets import Crop, FileCrops
    from fewscape.regions import FillJob

EXAMPLE = """\
fewscape data synthesize --output data/synthetic --scenes 4
fewscape episodes make --root data --datasets synthetic --output mine.json
fewscape regions --root data --episodes mine.json --store runs/regions --num_segments 100"""

METHODS = ("slic", "felzenszwalb", "sam", "sam2")

PARAMETERS = {
    "num_segments": (int, "slic: regions per 256 x 256 pixels"),
    "compactness": (float, "slic: weight of distance against colour"),
    "iterations": (int, "slic: iterations"),
    "reduction": (int, "slic: side of the pixel blocks averaged first"),
    "scale": (float, "felzenszwalb: scale; larger values give larger regions"),
    "sigma": (float, "felzenszwalb: sigma of the smoothing, pixels"),
    "min_size": (int, "felzenszwalb: smallest region, pixels"),
    "model": (str, "sam, sam2: model folder, or name on the Hugging Face hub"),
    "points_per_side": (int, "sam, sam2: prompt points per side of the grid"),
    "min_predicted_iou": (float, "sam, sam2: minimum IoU predicted by the network"),
    "min_stability": (float, "sam, sam2: minimum stability score"),
    "stability_offset": (float, "sam, sam2: threshold offset of the stability score"),
    "max_box_iou": (float, "sam, sam2: maximum box IoU in non-maximum suppression"),
    "max_masks": (int, "sam, sam2: number of masks to keep, largest first"),
    "points_per_batch": (int, "sam, sam2: prompts per batch"),
    "device": (str, "sam, sam2: auto, cpu or cuda"),
}
"""Parameters of the methods, with type and help."""

_INTERRUPTED = 130
_WINDOWS_TOGETHER = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--root",
        type=Path,
        required=True,
        help="folder with images/, or a folder of such folders; with --episodes, the folder "
        "that the manifest's paths are relative to",
    )
    parser.add_argument(
        "--episodes", type=Path, help="manifest whose crops to segment instead of whole images"
    )
    parser.add_argument(
        "--store", type=Path, required=True, help="output folder of the region maps"
    )
    parser.add_argument("--method", default="slic", help=f"{', '.join(METHODS)} (slic)")
    parser.add_argument("--bands", type=values.bands, help="bands shown as RGB, such as 1,1,1")
    parser.add_argument(
        "--workers",
        type=values.positive,
        help="number of processes (1 for sam and sam2, otherwise one per CPU)",
    )
    group = parser.add_argument_group("parameters of the method")
    for name, (kind, meaning) in PARAMETERS.items():
        group.add_argument(f"--{name}", type=kind, help=meaning)


def run(arguments: argparse.Namespace) -> int:
    """Make the missing region maps."""
    from fewscape.regions import FillJob, RegionStore, make_regions

    given = {name: getattr(arguments, name) for name in PARAMETERS}
    maker = make_regions(
        arguments.method, **{name: value for name, value in given.items() if value is not None}
    )
    reader, crops = _find_crops(arguments)
    default = 1 if arguments.method.startswith("sam") else os.cpu_count() or 1
    job = FillJob(RegionStore(arguments.store), maker, reader)
    return _fill(job, crops, arguments.workers or default)


@dataclass(frozen=True)
class _CropReader:
    """Reads a crop exactly as episodes do, so that the store recognises its pixels."""

    source: FileCrops
    size: tuple[int, int] | None

    def __call__(self, crop: Crop) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB bytes."""
        from fewscape.datasets.crops import read_image

        size = self.size or (crop.window.height, crop.window.width)
        image: npt.NDArray[np.uint8] = read_image(self.source, crop, size).permute(1, 2, 0).numpy()
        return image


def _find_crops(arguments: argparse.Namespace) -> tuple[_CropReader, list[Crop]]:
    """The crops to segment, each once, grouped by image."""
    from fewscape.datasets import FileCrops, Manifest

    root = arguments.root
    if arguments.episodes is None:
        return _CropReader(FileCrops(root, bands=arguments.bands), None), _whole_images(root)
    manifest = Manifest.load(arguments.episodes)
    manifest.check_files(root)
    crops = {(crop.image, crop.window): crop for each in manifest for crop in each.crops}
    source = FileCrops(root, manifest.ignore, arguments.bands)
    return _CropReader(source, manifest.image_size), [crops[key] for key in sorted(crops)]


def _whole_images(root: Path) -> list[Crop]:
    from fewscape.core import DatasetError, Window
    from fewscape.datasets import Crop
    from fewscape.datasets.folder import IMAGE_SUFFIXES
    from fewscape.datasets.image_files import ImageFiles

    folders = [root / "images"] if (root / "images").is_dir() else sorted(root.glob("*/images"))
    files = [file for folder in folders for file in sorted(folder.iterdir())]
    names = [
        file.relative_to(root).as_posix() for file in files if file.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not names:
        raise DatasetError(
            f"there is no image in '{root / 'images'}' or '{root / '*' / 'images'}'",
            f"expected files that end in {', '.join(IMAGE_SUFFIXES)}",
            "check --root, or give a manifest with --episodes",
        )
    sizes = ImageFiles(root)
    return [Crop(name, "", Window(0, 0, *sizes.size(name))) for name in names]


def _fill(job: FillJob[Crop], crops: list[Crop], workers: int) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from fewscape.regions import fill_store

    made = found = 0
    columns = ("regions", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("regions", total=len(crops))

        def report(made_so_far: int, found_so_far: int) -> None:
            nonlocal made, found
            made, found = made_so_far, found_so_far
            progress.update(task, completed=made + found)

        try:
            fill_store(job, list(_together(crops)), workers, report)
        except KeyboardInterrupt:
            progress.stop()
            left = len(crops) - made - found
            print(
                f"interrupted: {made} maps made, {found} already there, {left} left; run the "
                "same command to continue",
                file=sys.stderr,
            )
            return _INTERRUPTED
    print(f"{job.store.folder}: {made} maps made, {found} already there")
    return 0


def _together(crops: Iterable[Crop]) -> Iterable[list[Crop]]:
    """Batch windows of one image, small enough that every process has work."""
    for _, of_image in groupby(crops, key=lambda crop: crop.image):
        windows = list(of_image)
        for first in range(0, len(windows), _WINDOWS_TOGETHER):
            yield windows[first : first + _WINDOWS_TOGETHER]
