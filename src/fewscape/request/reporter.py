"""What hears of a request while it is run."""

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
    """Progress that nobody looks at."""


class Reporter:
    """Hears of what happens, and stays silent.

    Whoever wants to know inherits from it: the command line prints, a web server sends it on.
    Methods are called in the order of events, from the thread that runs the request.
    """

    def tell(self, sentence: str) -> None:
        """What was found or done: scenes as they are read, examples of no use, crops."""

    def warn(self, sentence: str) -> None:
        """What may spoil the map."""

    def accuracy(self, own: OwnAccuracy, scene_name: str) -> None:
        """How right the map will be, as the examples tell; before the mapping.

        Args:
            own: what they tell.
            scene_name: of their scene, of which alone they tell it.
        """

    def cost(self, scene_name: str, estimate: Estimate, is_shared: bool) -> None:
        """What a map will cost; of dry runs, and of maps that take long.

        Args:
            scene_name: of the raster.
            estimate: the cost.
            is_shared: whether it is that of all shards together.
        """

    def progress(self, label: str, pixels: int) -> AbstractContextManager[OnProgress]:
        """Around the mapping; gives what is called with the pixels finished since the last call.

        Args:
            label: what is mapped.
            pixels: in all.
        """
        del label, pixels
        return nullcontext(_ignore)

    def finished(self, scene_name: str, finished: FinishedMap) -> None:
        """A map is written; before the warnings about it."""

    def checked(self, scene_name: str, results: Mapping[str, Any], path: Path) -> None:
        """A finished map was compared with polygons that were kept back.

        Args:
            scene_name: of the raster.
            results: see ``score_check``.
            path: JSON file with the same.
        """
