"""``Mapper``: what runner, shards and clusters need to make a map."""

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
"""Section numbers with their planes, from the top."""

OnProgress = Callable[[int], None]
"""Called with the number of newly finished pixels."""


def ignore(pixels: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How a map is made."""

    overlap: float = 0.25
    """Overlap of neighbouring windows as a share of their side, at least one cell. Scenes only; the
    tiles of a pair have a fixed halo."""
    batch_size: int = 8
    """Windows per batch. Scenes only; the tiles of a pair are processed one by one."""
    vectors: bool = True
    """Whether to write polygons."""
    preview: bool = True
    """Whether to draw the preview."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Provenance written into every file: model, examples, parameters."""
    resume: bool = False
    """Keep finished sections if the run is killed, and resume a killed run. Needs ``tags`` that
    identify model, examples and parameters, since they identify a run."""
    max_memory: int | None = None
    """Memory limit in bytes, excluding network and libraries; None for the fastest sizes."""
    outputs: OutputOptions = field(default_factory=OutputOptions)
    """Postprocessing of the finished rasters."""
    drawings: Drawings | None = None
    """The examples, shown in the preview of their scene."""
    notes: tuple[str, ...] = ()
    """Lines of text below the preview's legend."""

    @property
    def has_patches(self) -> bool:
        """Whether connected pixels are traced, for polygons or the sieve."""
        return self.vectors or self.outputs.min_area > 0


class Mapper(Protocol):
    """Applies a segmenter to a raster, section by section.

    A section depends only on the plan: any process, in any order, makes the same.
    """

    @property
    def options(self) -> MapOptions:
        """How the map is made."""

    @property
    def plan(self) -> MapPlan:
        """Plan the map.

        Raises:
            SceneError: the raster is damaged or has no valid pixel.
        """

    @property
    def num_windows(self) -> int:
        """Number of windows."""

    @property
    def memory_bytes(self) -> int:
        """Peak memory of mapping, excluding network and libraries."""

    def make_sections(self, run: tuple[int, int]) -> Sections:
        """Make sections in output form, each with its number; consume each before the next.

        Args:
            run: first section and end (exclusive).
        """

    def read_overview(self) -> npt.NDArray[np.float32]:
        """Thumbnail of the raster, (3, h, w) in [0, 1], for the preview."""

    def time_window(self) -> float:
        """Seconds per window, measured in the middle of the scene."""

    def close(self) -> None:
        """Close the files; they reopen on demand."""


def describe_origin(rasters: Mapping[str, Source], retry: Retry | None = None) -> dict[str, str]:
    """Tags of every map: the version, and name and fingerprint of each raster.

    Args:
        rasters: rasters by tag; the first one's time is recorded.
        retry: retry policy of network reads.

    Raises:
        SceneError: a raster is damaged or unreachable.
    """
    origin = {"FEWSCAPE_VERSION": __version__}
    for tag, source in rasters.items():
        origin |= {tag: source.name, f"{tag}_FINGERPRINT": fingerprint_scene(source, retry)}
    taken = read_time(next(iter(rasters.values())), retry)
    return origin if taken is None else origin | {"SCENE_TIME": taken.isoformat()}
