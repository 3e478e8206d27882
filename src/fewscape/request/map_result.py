"""A finished map: its files, what they show, and how right it is likely to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewscape.mapping import FinishedMap, MapPlan
from fewscape.mapping.engine.own_accuracy import OwnAccuracy


@dataclass(frozen=True, eq=False)
class MapResult:
    """A finished map."""

    plan: MapPlan
    """What was made."""
    finished: FinishedMap
    """What was written, and how fast."""
    scores: OwnAccuracy | None = None
    """How right the map is likely to be, as the examples tell; None where they do not."""
    check: Mapping[str, Any] | None = None
    """Its agreement with polygons that were kept back, see ``score_check``; None without any."""

    def with_check(self, check: Mapping[str, Any]) -> MapResult:
        """The same with a check."""
        return replace(self, check=check)

    @property
    def paths(self) -> dict[str, Path]:
        """The files by what they hold: ``classes``, ``<class>_prob``, ``polygons``, ``preview`` ...

        Styles for QGIS lie beside the rasters and are not listed.
        """
        found = {}
        for path in self.finished.files:
            ending = path.name.removeprefix(f"{self.plan.stem}").lstrip("._")
            if ending.endswith(".qml"):
                continue
            key = {"gpkg": "polygons", "stac.json": "stac"}.get(ending, Path(ending).stem)
            found[key] = path
        return found
