"""``Reporter``: receives the progress and warnings of a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewscape.mapping import Estimate, FinishedMap
    from fewscape.mapping.engine.own_accuracy import OwnAccuracy
    from fewscape.mapping.mapper import OnProgress


def _ignore(pixels: int) -> None:
    """Ignore progress."""


class Reporter:
    """A reporter that ignores everything; subclass it to receive events.

    The command line prints events, a web server forwards them. Methods are called in the order of
    events, from the thread that runs the request.
    """

    def info(self, sentence: str) -> None:
        """Receive a fact: a scene that was read, skipped examples, crops."""

    def warn(self, sentence: str) -> None:
        """Receive a warning about something that may spoil the map."""

    def accuracy(self, own: OwnAccuracy, scene_name: str) -> None:
        """Receive the accuracy estimated from the examples, before mapping.

        Args:
            own: the estimate.
            scene_name: scene of the examples, the only one that the estimate holds for.
        """

    def cost(self, scene_name: str, estimate: Estimate, is_shared: bool) -> None:
        """Receive the cost of a map, for dry runs and long maps.

        Args:
            scene_name: name of the raster.
            estimate: the cost.
            is_shared: whether it is the cost of all shards together.
        """

    def progress(self, label: str, pixels: int) -> AbstractContextManager[OnProgress]:
        """Wrap the mapping; yields a function to call with the number of newly finished pixels.

        Args:
            label: name of the map.
            pixels: total pixels.
        """
        del label, pixels
        return nullcontext(_ignore)

    def finished(self, scene_name: str, finished: FinishedMap) -> None:
        """Receive a written map, before the warnings about it."""

    def checked(self, scene_name: str, results: Mapping[str, Any], path: Path) -> None:
        """Receive the check of a finished map against held-out polygons.

        Args:
            scene_name: name of the raster.
            results: see ``score_check``.
            path: JSON file with the results.
        """
