"""A map that is to be made, as runner, shards and clusters see it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fewscape import __version__
from fewscape.mapping.examples.outlines import Drawings
from fewscape.mapping.output.finishing import OutputOptions
from fewscape.mapping.plan import MapPlan, Planes
from fewscape.raster import Retry, Source
from fewscape.raster.opening.identity import fingerprint_scene, read_time

Sections = Generator[tuple[int, Iterator[Planes]], None, None]
"""Numbers of sections, and their planes from the top."""

OnProgress = Callable[[int], None]
"""Called with the number of the map's pixels finished since the last call."""


def ignore(pixels: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a map is made."""

    overlap: float = 0.25
    """Share of a window's side that neighbours have in common; at least one cell. Of scenes;
    the tiles of a pair have a fixed halo."""
    batch_size: int = 8
    """Windows that pass the network together. Of scenes; the tiles of a pair pass one by one."""
    vectors: bool = True
    """Whether to write polygons."""
    preview: bool = True
    """Whether to draw the preview."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Origin of the map, written into every file: model, examples, parameters."""
    resume: bool = False
    """Keep what is finished if the run is killed, and take up what a killed run left. Only for
    ``tags`` that tell model, examples and parameters apart: they are what a run is known by."""
    max_memory: int | None = None
    """Bytes that mapping may take beside the network and the libraries; None for what is fast."""
    outputs: OutputOptions = field(default_factory=OutputOptions)
    """What is made of the finished rasters."""
    drawings: Drawings | None = None
    """The examples; the preview of the scene on which they were drawn shows them."""
    notes: tuple[str, ...] = ()
    """Lines of text below the preview's legend."""

    @property
    def has_patches(self) -> bool:
        """Whether connected pixels are looked for: by polygons or by the sieve."""
        return self.vectors or self.outputs.min_area > 0


class Mapper(Protocol):
    """A network before the raster that it maps; it makes a map section by section.

    A section depends on nothing but the plan: whoever makes it, in whichever order, makes the same.
    """

    @property
    def options(self) -> MapOptions:
        """How the map is made."""

    @property
    def plan(self) -> MapPlan:
        """What is made.

        Raises:
            SceneError: the raster is damaged or has no valid pixel.
        """

    @property
    def num_windows(self) -> int:
        """What passes the network, in all."""

    @property
    def memory_bytes(self) -> int:
        """What mapping takes at most, beside the network and the libraries."""

    def make_sections(self, run: tuple[int, int]) -> Sections:
        """Sections as they are written, each with its number; each is to be used up in turn.

        Args:
            run: first section and the one behind the last.
        """

    def read_overview(self) -> npt.NDArray[np.float32]:
        """The raster in small, (3, h, w) in [0, 1], for the preview."""

    def time_window(self) -> float:
        """Seconds that a window takes, measured on some in the middle."""

    def close(self) -> None:
        """Close the files; they are opened again when they are needed."""


def tell_origin(rasters: Mapping[str, Source], retry: Retry | None = None) -> dict[str, str]:
    """Tags of every map: version, and for each raster its name and fingerprint.

    Args:
        rasters: by the tag that names each; the time of the first is told.
        retry: how often reads over the network are tried.

    Raises:
        SceneError: a raster is damaged or cannot be reached.
    """
    origin = {"FEWSCAPE_VERSION": __version__}
    for tag, source in rasters.items():
        origin |= {tag: source.name, f"{tag}_FINGERPRINT": fingerprint_scene(source, retry)}
    taken = read_time(next(iter(rasters.values())), retry)
    return origin if taken is None else origin | {"SCENE_TIME": taken.isoformat()}
