"""Finished sections of a map on disk, so that killed runs resume and shards share one map."""

from __future__ import annotations

import math
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.core import OutputError, ResultsError, write_bytes, write_whole
from fewscape.mapping.plan import MapPlan, Planes, make_key
from fewscape.raster.writing.staging import PREFIX, report_write_errors

PLAN, OVERVIEW = "plan.json", "overview.npy"
HEAD = struct.Struct("<II")
"""Header of a record: rows, and bytes of its compressed planes."""
FASTEST = 1
"""Compression level; maps are mostly runs of one value."""


class Journal:
    """The work folder of one map.

    ::

        .fewscape-<scene>-<key>/
            plan.json the plan; another plan has another key overview.npy thumbnail of the scene,
            for the preview section-00012.rows compressed rows of a finished section

    Several processes may write sections at once: all of them make the same section.

    Args:
        folder: output folder; the work folder is hidden in it.
        plan: plan of the map.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path | str, plan: MapPlan) -> None:
        self.plan = plan
        self.folder = Path(folder) / f"{PREFIX}{plan.stem}-{plan.key}"
        with report_write_errors(self.folder):
            write_bytes(self.folder / PLAN, plan.encode().encode())

    @classmethod
    def find(cls, folder: Path | str) -> list[Journal]:
        """Find the journals of all unfinished maps in an output folder, sorted by name.

        Raises:
            ResultsError: a plan is damaged, modified or of another version, or two are of the same
                scene.
        """
        found: dict[str, Journal] = {}
        for path in sorted(Path(folder).glob(f"{PREFIX}*/{PLAN}")):
            journal = cls.__new__(cls)
            journal.plan, journal.folder = _read_plan(path), path.parent
            other = found.setdefault(journal.plan.stem.casefold(), journal)
            if other is not journal:
                raise ResultsError(
                    f"'{other.folder}' and '{journal.folder}' hold parts of two maps of "
                    f"'{journal.plan.stem}'",
                    "they differ in examples, model, options or pixels, and only one can be "
                    "the map",
                    "delete the wrong folder, then merge again",
                )
        return list(found.values())

    def is_done(self, section: int) -> bool:
        """Whether a section is finished."""
        return self._path(section).is_file()

    def missing(self, first: int = 0, stop: int | None = None) -> list[int]:
        """Unfinished sections from ``first`` to ``stop`` (exclusive), by default all."""
        end = self.plan.num_sections if stop is None else stop
        return [section for section in range(first, end) if not self.is_done(section)]

    def write(self, section: int, parts: Iterable[Planes]) -> None:
        """Write a section; its file appears when it is complete.

        Args:
            section: section number.
            parts: planes (P, rows, W) from the top.

        Raises:
            OutputError: the disk is full or failed.
        """
        self.write_packed(section, pack_section(parts))

    def write_packed(self, section: int, records: Iterable[bytes]) -> None:
        """Write a section packed by another process, see ``pack_section``.

        Raises:
            OutputError: the disk is full or failed.
        """
        path = self._path(section)
        with report_write_errors(path), write_whole(path) as draft, draft.open("wb") as file:
            file.writelines(records)

    def read(self, section: int) -> Iterator[Planes]:
        """Read the planes of a section, part by part.

        Raises:
            OutputError: the file is damaged; it is deleted, so that the next run remakes it.
        """
        path = self._path(section)
        rows = 0
        try:
            with path.open("rb") as file:
                while head := file.read(HEAD.size):
                    count, size = HEAD.unpack(head)
                    rows += count
                    if rows > self.plan.count_rows(section):
                        raise ValueError("it has too many rows")
                    shape = self.plan.num_planes, count, self.plan.grid.width
                    stream = zlib.decompressobj()
                    values = stream.decompress(file.read(size), math.prod(shape) + 1)
                    if not stream.eof:
                        raise ValueError("its values end early, or never")
                    yield np.frombuffer(values, np.uint8).reshape(shape)
            if rows != self.plan.count_rows(section):
                raise ValueError(f"it has {rows} rows")
        except (OSError, ValueError, zlib.error, struct.error) as error:
            path.unlink(missing_ok=True)
            raise OutputError(
                f"the finished part '{path}' is damaged: {error}",
                "it was deleted",
                "run the same command again; it remakes that part",
            ) from error

    @property
    def has_overview(self) -> bool:
        """Whether the thumbnail exists."""
        return (self.folder / OVERVIEW).is_file()

    def save_overview(self, image: npt.NDArray[np.float32]) -> None:
        """Save a thumbnail of the scene, (C, h, w) in [0, 1]."""
        path = self.folder / OVERVIEW
        with report_write_errors(path), write_whole(path) as draft:
            np.save(draft, image)

    def load_overview(self) -> npt.NDArray[np.float32]:
        """Load the thumbnail of the scene."""
        image: npt.NDArray[np.float32] = np.load(self.folder / OVERVIEW, allow_pickle=False)
        return image

    def remove(self) -> None:
        """Delete the work folder after the map is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, section: int) -> Path:
        return self.folder / f"section-{section:05d}.rows"


def split_sections(num_sections: int, shard: tuple[int, int]) -> tuple[int, int]:
    """First section and end (exclusive) of a shard.

    Args:
        num_sections: total number of sections.
        shard: number from 1, and number of shards.

    Examples:
        >>> [split_sections(10, (i, 3)) for i in (1, 2, 3)]
        [(0, 3), (3, 6), (6, 10)]
    """
    index, count = shard
    return num_sections * (index - 1) // count, num_sections * index // count


def join_runs(sections: Sequence[int]) -> list[tuple[int, int]]:
    """Join neighbouring sections into runs, each with its first section and end (exclusive).

    Examples:
        >>> join_runs([0, 1, 4, 5, 6, 9])
        [(0, 2), (4, 7), (9, 10)]
    """
    runs: list[tuple[int, int]] = []
    for section in sections:
        if runs and runs[-1][1] == section:
            runs[-1] = runs[-1][0], section + 1
        else:
            runs.append((section, section + 1))
    return runs


def pack_section(parts: Iterable[Planes]) -> Iterator[bytes]:
    """Serialise a section, piece by piece.

    Args:
        parts: planes (P, rows, W) from the top.
    """
    for planes in parts:
        packed = zlib.compress(np.ascontiguousarray(planes).tobytes(), FASTEST)
        yield HEAD.pack(planes.shape[1], len(packed))
        yield packed


def _read_plan(path: Path) -> MapPlan:
    try:
        text = path.read_text("utf-8")
        plan = MapPlan.decode(text)
        if path.parent.name != f"{PREFIX}{plan.stem}-{make_key(text)}":
            raise ValueError("it is not the plan that its folder is named after")
        return plan
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ResultsError(
            f"'{path}' is not a valid map plan: {error}",
            "it is damaged, or was written by another version of fewscape",
            f"delete '{path.parent}' and map that scene again",
        ) from error
