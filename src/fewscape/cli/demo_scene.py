"""The ground that the demo maps: a synthetic scene with enough objects, its truth, its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.cli.demo_examples import Objects, find_objects
from fewscape.core import ConfigError, suggest
from fewscape.datasets.synthetic import BANDS, SYNTHETIC_CLASSES, SceneSpec, make_scene
from fewscape.raster import BandStyle, Georeference, StripWriter, choose_colours
from fewscape.raster.staging import report_write_errors

NUM_EXAMPLES = 3
"""Of each class."""

LEAST_SIZE = 512
"""Side in pixels of a scene that is more than the crops around the examples."""

MAX_SEEDS = 20
"""Scenes to look at before giving up."""


@dataclass(frozen=True, slots=True)
class DemoScene:
    """A scene that holds enough objects of the classes to map."""

    image: npt.NDArray[np.uint8]
    """(3, H, W): red, green, blue."""
    truth: npt.NDArray[np.uint8]
    """(H, W) in the ids of the map: 0 background, 1 the first class ..."""
    objects: Mapping[str, Objects]
    """Whole objects of each class; the classes in the order of the ids."""
    grid: Georeference
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """The classes in the order of their ids."""
        return tuple(self.objects)


def find_scene(
    names: Sequence[str], size: int, seed: int, report: Callable[[str], None]
) -> DemoScene:
    """The first scene, from this seed on, with three whole objects of every class.

    Args:
        names: classes of ``SYNTHETIC_CLASSES`` to map; like in a map, ids follow the alphabet.
        size: side in pixels.
        seed: of the first scene to look at.
        report: told of each scene that was passed over.

    Raises:
        ConfigError: an unknown class, too small a size, or no scene has enough objects.
    """
    if size < LEAST_SIZE:
        raise ConfigError(
            f"a scene of {size} x {size} pixels is too small for the demo",
            f"the side must be {LEAST_SIZE} pixels or more",
            "leave out --size, or give 2048",
        )
    ids = {name: _find_id(name) for name in sorted(names)}
    for candidate in range(seed, seed + MAX_SEEDS):
        made = _make(ids, size, candidate)
        poor = [name for name in ids if len(made.objects[name]) < NUM_EXAMPLES]
        if not poor:
            return made
        counts = " and ".join(f"{len(made.objects[name])} of '{name}'" for name in poor)
        report(f"the scene of seed {candidate} has only {counts}; trying seed {candidate + 1}")
    raise ConfigError(
        f"no scene of seeds {seed} to {seed + MAX_SEEDS - 1} has {NUM_EXAMPLES} whole objects of "
        + " and of ".join(f"'{name}'" for name in ids),
        f"a side of {size} pixels may be too small for them",
        "choose a larger --size, such as 2048",
    )


def write_files(scene: DemoScene, folder: Path) -> tuple[Path, Path]:
    """Write ``scene.tif`` and ``truth.tif`` in the map's ids and colours; return both paths.

    Raises:
        OutputError: the folder cannot be written.
    """
    image, truth = folder / "scene.tif", folder / "truth.tif"
    with report_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_image(scene, image)
    style = BandStyle.classes(
        dict(enumerate(("background", *scene.names))),
        dict(enumerate([(235, 235, 230), *choose_colours(scene.names)])),
    )
    with StripWriter(truth, scene.grid, style, {}) as writer:
        writer.append(scene.truth)
    return image, truth


def _find_id(name: str) -> int:
    for number, known in SYNTHETIC_CLASSES.items():
        if known == name:
            return number
    raise ConfigError(
        f"the model was not trained on '{name}', which no synthetic scene shows",
        "the demo maps classes that it can draw",
        suggest(name, SYNTHETIC_CLASSES.values()),
    )


def _make(ids: Mapping[str, int], size: int, seed: int) -> DemoScene:
    from rasterio.crs import CRS

    made = make_scene(SceneSpec(size=(size, size), seed=seed))
    truth = np.zeros_like(made.labels)
    for number, class_id in enumerate(ids.values(), start=1):
        truth[made.labels == class_id] = number
    objects = {name: find_objects(truth, number) for number, name in enumerate(ids, start=1)}
    grid = Georeference(size, size, made.transform, CRS.from_user_input(made.crs))
    return DemoScene(made.image[:3], truth, objects, grid, seed)


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
