"""Few-shot semantic segmentation of remote sensing imagery.

::

    import fewscape

    result = fewscape.map_scene("scene.tif", examples="roofs.gpkg", output="maps")

Importing the package is cheap: torch and GDAL load on first use. The names below are public;
everything else is internal and may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewscape.api import (
        evaluate,
        map_pan_ms,
        map_scene,
        open_scene,
        read_examples,
        reproduce,
    )
    from fewscape.core import FewscapeError
    from fewscape.request import MapRequest
    from fewscape.request.map_result import MapResult
    from fewscape.serve import annotate
    from fewscape.zoo import load

__all__ = [
    "FewscapeError",
    "MapRequest",
    "MapResult",
    "__version__",
    "annotate",
    "evaluate",
    "load",
    "map_pan_ms",
    "map_scene",
    "open_scene",
    "read_examples",
    "reproduce",
]

__version__ = "0.1.0"

HOMES = {
    "FewscapeError": "fewscape.core",
    "MapRequest": "fewscape.request",
    "MapResult": "fewscape.request.map_result",
    "annotate": "fewscape.serve",
    "evaluate": "fewscape.api",
    "load": "fewscape.zoo",
    "map_pan_ms": "fewscape.api",
    "map_scene": "fewscape.api",
    "open_scene": "fewscape.api",
    "read_examples": "fewscape.api",
    "reproduce": "fewscape.api",
}
"""Module of each lazily imported name."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any public name)
    if name not in HOMES:
        raise AttributeError(f"module 'fewscape' has no attribute '{name}'")
    found = getattr(importlib.import_module(HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
