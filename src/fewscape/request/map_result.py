"""``MapResult``: the files, content and accuracy of a finished map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, require
from fewscape.mapping import FinishedMap, MapPlan
from fewscape.mapping.engine.own_accuracy import OwnAccuracy
from fewscape.raster import NODATA
from fewscape.raster.gdal import open_raster
from fewscape.raster.opening.handles import shrink_size
from fewscape.raster.writing.writer import PROBABILITY_STEPS

if TYPE_CHECKING:
    import geopandas
    import xarray
    from matplotlib.axes import Axes

EXTRA = "notebook"
"""The extra with geopandas and xarray."""

PICTURE = 1500
"""Longest side of a plotted map, pixels."""


@dataclass(frozen=True, eq=False)
class MapResult:
    """A finished map; its content is read from the files on access."""

    plan: MapPlan
    """What was made."""
    finished: FinishedMap
    """The written files and their statistics."""
    scores: OwnAccuracy | None = None
    """The accuracy estimated from the examples; None if there is no estimate."""
    check: Mapping[str, Any] | None = None
    """Its agreement with held-out polygons, see ``score_check``; None without a check."""

    def __repr__(self) -> str:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in self.class_shares.items())
        mean = None if self.scores is None else self.scores.mean_iou
        told = "" if mean is None else f"; expected IoU {mean.value:.2f}"
        return f"<MapResult of {self.plan.scene_name}: {shares}{told}; {self.paths['classes']}>"

    @property
    def paths(self) -> dict[str, Path]:
        """The files by content: ``classes``, ``<class>_prob``, ``polygons``, ``preview`` ...

        QGIS styles beside the rasters are not listed.
        """
        found = {}
        for path in self.finished.files:
            ending = path.name.removeprefix(self.plan.stem).lstrip("._")
            if ending.endswith(".qml"):
                continue
            key = {"gpkg": "polygons", "stac.json": "stac"}.get(ending, Path(ending).stem)
            found[key] = path
        return found

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes; the first has the value 1 in the map."""
        return self.plan.class_names

    @property
    def class_shares(self) -> dict[str, float]:
        """Share of each class in the valid pixels, in [0, 1]."""
        valid = max(1, self.finished.valid_pixels)
        return {name: count / valid for name, count in self.finished.class_pixels.items()}

    @property
    def classes(self) -> npt.NDArray[np.uint8]:
        """The class map (H, W): 0 background, 1 to K the classes, 255 nodata."""
        return self._read("classes")

    @property
    def layers(self) -> dict[str, npt.NDArray[np.float32]]:
        """The other rasters (H, W) in [0, 1], nan for nodata, by their name in ``paths``."""
        return {layer.ending: self._read_share(layer.ending) for layer in self.plan.layers}

    def with_check(self, check: Mapping[str, Any]) -> MapResult:
        """The same result with a check."""
        return replace(self, check=check)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the class map in its colours, with a legend.

        Args:
            axes: matplotlib axes to draw into; new ones if not given.
        """
        from matplotlib import pyplot
        from matplotlib.patches import Patch

        axes = pyplot.subplots(layout="constrained")[1] if axes is None else axes
        grid, styles = self.plan.grid, self.plan.styles[0]
        with open_raster(self.paths["classes"]) as dataset:
            size = shrink_size(dataset.height, dataset.width, PICTURE)
            values = dataset.read(1, out_shape=size)
        picture = np.full((*values.shape, 4), 0, np.uint8)
        for number, colour in styles.colours.items():
            picture[values == number] = (*colour, 255)
        left, bottom, right, top = grid.bounds
        is_upright = grid.transform.b == grid.transform.d == 0 and grid.transform.e < 0
        extent = (left, right, bottom, top) if is_upright else (0, grid.width, grid.height, 0)
        axes.imshow(picture, extent=extent, interpolation="nearest")
        colours = zip(self.plan.class_names, self.plan.colours, strict=True)
        handles = [Patch(color=np.array(colour) / 255, label=name) for name, colour in colours]
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        axes.set_title(self.plan.scene_name)
        return axes

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """Read the polygons with class, score and area.

        Raises:
            MissingPackageError: geopandas is not installed.
            ConfigError: the map was made without polygons.
        """
        geopandas = require("geopandas", EXTRA)
        if "polygons" not in self.paths:
            raise ConfigError(
                "the map has no polygons",
                "vectors=False was set",
                "map again without vectors=False",
            )
        return geopandas.read_file(self.paths["polygons"], engine="pyogrio")

    def to_xarray(self) -> xarray.Dataset:
        """Read ``classes`` (y, x) and the other rasters, with coordinates and CRS.

        ``rio.crs`` of rioxarray finds the CRS. The coordinates of a rotated map are columns and
        rows.

        Raises:
            MissingPackageError: xarray is not installed.
        """
        module = require("xarray", EXTRA)
        grid = self.plan.grid
        rows, cols = np.arange(grid.height) + 0.5, np.arange(grid.width) + 0.5
        if grid.transform.b == grid.transform.d == 0:
            cols = grid.transform.a * cols + grid.transform.c
            rows = grid.transform.e * rows + grid.transform.f
        place = {} if grid.crs is None else {"crs_wkt": grid.crs.to_wkt()}
        place["GeoTransform"] = " ".join(map(repr, map(float, grid.transform.to_gdal())))
        found: dict[str, Any] = {"classes": (("y", "x"), self.classes)}
        found |= {name: (("y", "x"), values) for name, values in self.layers.items()}
        dataset: xarray.Dataset = module.Dataset(
            found,
            {"y": rows, "x": cols, "spatial_ref": ((), 0, place)},
            {"class_names": list(self.class_names)},
        )
        for variable in dataset.data_vars.values():
            variable.encoding["grid_mapping"] = "spatial_ref"
        dataset["classes"].encoding["_FillValue"] = NODATA
        return dataset

    def _read(self, key: str) -> npt.NDArray[np.uint8]:
        with open_raster(self.paths[key]) as dataset:
            values: npt.NDArray[np.uint8] = dataset.read(1)
        return values

    def _read_share(self, key: str) -> npt.NDArray[np.float32]:
        steps = self._read(key)
        return np.where(steps == NODATA, np.nan, steps / np.float32(PROBABILITY_STEPS)).astype(
            np.float32
        )
