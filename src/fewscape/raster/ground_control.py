"""Rasters georeferenced by control points or rational polynomials instead of a transform."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from affine import Affine

from fewscape.core import SceneError

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

Points = npt.NDArray[np.float64]
"""(N, 2) coordinates, x then y."""

EXACT = 0.25
"""Tolerance in pixels for replacing control points by a transform."""

FEWEST = 3
"""Minimum number of control points."""


@dataclass(frozen=True)
class GroundControl:
    """The georeference of a raster without a transform.

    Attributes:
        points: column, row, x, y and height of each control point.
        camera: rational polynomials as JSON; empty if there are points.
    """

    points: tuple[tuple[float, float, float, float, float], ...] = ()
    camera: str = ""

    @property
    def words(self) -> str:
        """Description for messages."""
        if self.camera:
            return "rational polynomials (RPC)"
        return f"{len(self.points)} ground control points"

    def to_ground(self, pixels: Points) -> Points:
        """Transform columns and rows (N, 2) to coordinates."""
        if not len(pixels):
            return pixels
        with self._open() as transformer:
            found = transformer.xy(pixels[:, 1], pixels[:, 0], offset="ul")
        return np.stack([np.asarray(axis, np.float64) for axis in found], axis=1)

    def to_pixels(self, ground: Points) -> Points:
        """Transform coordinates (N, 2) to columns and rows; unreachable ones become infinite."""
        if not len(ground):
            return ground
        with self._open() as transformer:
            rows, cols = transformer.rowcol(ground[:, 0], ground[:, 1], op=_keep)
        return np.stack([np.asarray(axis, np.float64) for axis in (cols, rows)], axis=1)

    def describe(self) -> dict[str, Any]:
        """The keywords with which rasterio writes it."""
        from rasterio.control import GroundControlPoint
        from rasterio.rpc import RPC

        if self.camera:
            return {"rpcs": RPC(**json.loads(self.camera))}
        found = [GroundControlPoint(row, col, x, y, z) for col, row, x, y, z in self.points]
        return {"gcps": found}

    def _open(self) -> Any:  # noqa: ANN401 (rasterio's, untyped)
        from rasterio.rpc import RPC
        from rasterio.transform import GCPTransformer, RPCTransformer

        if self.camera:
            rpcs = RPC(**json.loads(self.camera))
            return RPCTransformer(rpcs, rpc_height=str(rpcs.height_off or 0))
        return GCPTransformer(self.describe()["gcps"])


def find_control(dataset: DatasetReader) -> tuple[Affine, CRS | None, GroundControl | None]:
    """Read transform, CRS and ground control of an open raster.

    Control points that a transform fits to a quarter of a pixel become a transform.

    Raises:
        SceneError: the control points have no CRS, or are fewer than three.
    """
    from rasterio.crs import CRS

    plain = dataset.transform, dataset.crs or None, None
    if plain[1] is not None or plain[0] != Affine.identity():
        return plain
    points, crs = getattr(dataset, "gcps", ((), None))
    if points:
        if not crs or len(points) < FEWEST:
            raise SceneError(
                f"'{dataset.name}' is placed by {len(points)} ground control points"
                + ("" if crs else " without a CRS"),
                "expected at least three, with a CRS",
                "add them, for example with 'gdal_translate -gcp ... -a_srs EPSG:...'",
            )
        control = GroundControl(tuple((p.col, p.row, p.x, p.y, p.z or 0.0) for p in points))
        fitted = _fit(control)
        return (plain[0], crs, control) if fitted is None else (fitted, crs, None)
    rpcs = getattr(dataset, "rpcs", None)
    if rpcs is not None:
        camera = {name: value for name, value in rpcs.to_dict().items() if value is not None}
        return plain[0], CRS.from_epsg(4326), GroundControl(camera=json.dumps(camera))
    return plain


def _fit(control: GroundControl) -> Affine | None:
    """Fit a transform to control points, if one fits."""
    table = np.array(control.points)
    pixels, ground = table[:, :2], table[:, 2:4]
    known = np.column_stack([pixels, np.ones(len(pixels))])
    found, _, rank, _ = np.linalg.lstsq(known, ground, rcond=None)
    if rank < FEWEST:
        return None
    (a, d), (b, e), (c, f) = found.tolist()
    transform = Affine(a, b, c, d, e, f)
    if transform.is_degenerate:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        back = ~transform
    apart = np.array([back * (x, y) for x, y in ground.tolist()]) - pixels
    return transform if np.abs(apart).max() <= EXACT else None


_keep: Callable[[object], object] = lambda values: values  # noqa: E731
"""Fractional columns and rows."""
