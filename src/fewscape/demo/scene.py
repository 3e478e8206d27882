"""The synthetic scene of the demo: choosing it and writing its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, suggest
from fewscape.raster import BandStyle, Georeference, StripWriter, choose_colours
from fewscape.raster.writing.staging import report_write_errors
from fewscape.synthetic import BANDS, SYNTHETIC_CLASSES, SceneSpec, make_scene

LEAST_SIZE = 256
"""Minimum side of the scene, pixels."""

LEAST_SHARE = 0.02
"""Minimum share of the scene per class."""

MAX_SEEDS = 20
"""Maximum number of scenes to try."""


@dataclass(frozen=True, slots=True)
class DemoScene:
    """A scene with enough of the classes to map."""

    image: npt.NDArray[np.uint8]
    """(3, H, W): red, green, blue."""
    labels: npt.NDArray[np.uint8]
    """(H, W) ids of ``SYNTHETIC_CLASSES``."""
    classes: Mapping[str, int]
    """Ids of the classes to map, in alphabetical order."""
    grid: Georeference
    seed: int

    @property
    def truth(self) -> npt.NDArray[np.uint8]:
        """Labels (H, W) with the ids of the map: 0 background, 1 the first class ..."""
        table = np.zeros(256, np.uint8)
        table[list(self.classes.values())] = np.arange(len(self.classes)) + 1
        truth: npt.NDArray[np.uint8] = table[self.labels]
        return truth


def find_scene(
    names: Sequence[str], size: int, seed: int, report: Callable[[str], None]
) -> DemoScene:
    """Find the first scene from this seed on in which every class covers at least 2 %.

    Args:
        names: classes of ``SYNTHETIC_CLASSES`` to map; ids are alphabetical, as in a map.
        size: side, pixels.
        seed: random seed of the first scene to try.
        report: called with a message about each skipped scene.

    Raises:
        ConfigError: a class is unknown, the size is too small, or no scene has enough of the
            classes.
    """
    if size < LEAST_SIZE:
        raise ConfigError(
            f"a scene of {size} x {size} pixels is too small for the demo",
            f"the side must be {LEAST_SIZE} pixels or more",
            "leave out --size, or use 1024",
        )
    ids = {name: _find_id(name) for name in sorted(names)}
    for candidate in range(seed, seed + MAX_SEEDS):
        made = _make(ids, size, candidate)
        shares = {name: float((made.labels == number).mean()) for name, number in ids.items()}
        poor = [name for name, share in shares.items() if share < LEAST_SHARE]
        if not poor:
            return made
        told = " and ".join(f"{shares[name]:.1%} of '{name}'" for name in poor)
        report(f"the scene of seed {candidate} shows only {told}; trying seed {candidate + 1}")
    raise ConfigError(
        f"no scene of seeds {seed} to {seed + MAX_SEEDS - 1} shows {LEAST_SHARE:.0%} of "
        + " and of ".join(f"'{name}'" for name in ids),
        f"a side of {size} pixels may be too small",
        "use a larger --size, such as 1024",
    )


def write_files(scene: DemoScene, folder: Path) -> tuple[Path, Path]:
    """Write ``scene.tif`` and ``truth.tif`` with the map's ids and colours; return both paths.

    Raises:
        OutputError: the folder cannot be written.
    """
    image, truth = folder / "scene.tif", folder / "truth.tif"
    with report_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_image(scene, image)
    style = BandStyle.classes(
        dict(enumerate(("background", *scene.classes))),
        dict(enumerate([(235, 235, 230), *choose_colours(list(scene.classes))])),
    )
    with StripWriter(truth, scene.grid, style, {}) as writer:
        writer.append(scene.truth)
    return image, truth


def _find_id(name: str) -> int:
    for number, known in SYNTHETIC_CLASSES.items():
        if known == name:
            return number
    raise ConfigError(
        f"no synthetic scene shows '{name}'",
        "the demo needs classes that it can draw",
        suggest(name, SYNTHETIC_CLASSES.values()),
    )


def _make(ids: Mapping[str, int], size: int, seed: int) -> DemoScene:
    from rasterio.crs import CRS

    made = make_scene(SceneSpec(size=(size, size), seed=seed))
    grid = Georeference(size, size, made.transform, CRS.from_user_input(made.crs))
    return DemoScene(made.image[:3], made.labels, ids, grid, seed)


def _write_image(scene: DemoScene, path: Path) -> None:
    import rasterio

    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        height=scene.grid.height,
        width=scene.grid.width,
        dtype="uint8",
        crs=scene.grid.crs,
        transform=scene.grid.transform,
        photometric="RGB",
        interleave="pixel",
        tiled=True,
        compress="deflate",
        predictor=2,
    ) as target:
        target.write(scene.image)
        target.descriptions = BANDS[:3]
