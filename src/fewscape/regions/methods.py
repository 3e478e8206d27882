"""Over-segmentations by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fewscape.core import ConfigError, suggest
from fewscape.regions.felzenszwalb import Felzenszwalb
from fewscape.regions.maker import RegionMaker
from fewscape.regions.sam import Sam, Sam2
from fewscape.regions.slic import Slic

REGION_METHODS: dict[str, Callable[..., RegionMaker]] = {
    Slic.name: Slic,
    Felzenszwalb.name: Felzenszwalb,
    Sam.name: Sam,
    Sam2.name: Sam2,
}
"""Over-segmentations by name."""


def make_regions(name: str, **parameters: Any) -> RegionMaker:  # noqa: ANN401 (the method's own)
    """Make an over-segmentation by name.

    Raises:
        ConfigError: the name or a parameter is unknown.

    Examples:
        >>> make_regions("slic", num_segments=50).parameters["num_segments"]
        50
    """
    if name not in REGION_METHODS:
        raise ConfigError(
            f"there is no over-segmentation '{name}'", "", suggest(name, REGION_METHODS)
        )
    method = REGION_METHODS[name]
    known = inspect.signature(method).parameters
    for parameter in parameters:
        if parameter not in known:
            raise ConfigError(
                f"'{name}' has no parameter '{parameter}'", "", suggest(parameter, known)
            )
    return method(**parameters)
