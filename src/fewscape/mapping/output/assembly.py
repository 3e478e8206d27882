"""Assemble finished sections into the files of a map."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.mapping.examples.outlines import scale_outlines
from fewscape.mapping.output.finishing import WrittenMap, describe_map, finish_map
from fewscape.mapping.output.journal import Journal
from fewscape.mapping.output.older_maps import find_older_files
from fewscape.mapping.output.preview import LegendEntry, draw_preview
from fewscape.mapping.plan import MapPlan
from fewscape.raster import NODATA, StagedFiles, StripWriter
from fewscape.raster.gdal import limit_cache, open_raster
from fewscape.raster.writing.staging import report_write_errors
from fewscape.raster.writing.writer import PROBABILITY_STEPS

NO_DATA_TO_0 = np.uint8(256 - NODATA)
"""Added to bytes so that 255 wraps to 0."""


@dataclass(frozen=True, slots=True)
class FinishedMap:
    """The files of a finished map, their statistics, and the duration."""

    files: tuple[Path, ...]
    pixels: int
    """Of the scene."""
    valid_pixels: int
    class_pixels: Mapping[str, int]
    """Pixels of each class."""
    seconds: float
    """Duration from the first read to the last file."""
    class_peaks: Mapping[str, float] = field(default_factory=dict)
    """Largest probability of each class that has its own raster."""

    @property
    def megapixels_per_second(self) -> float:
        """Overall speed."""
        return self.pixels / 1e6 / self.seconds


def assemble(journal: Journal, folder: Path | str) -> FinishedMap:
    """Write the files of a map with all sections finished, then delete the journal.

    The files appear all at once and replace those of an earlier map of the scene. Only the journal
    is needed, neither scene nor network.

    Args:
        journal: a complete journal.
        folder: output folder.

    Raises:
        OutputError: the folder cannot be written, the disk is full, or a section is damaged.
    """
    begin = time.perf_counter()
    plan = journal.plan
    with StagedFiles(folder) as staged:
        rasters = [staged.path(name) for name in plan.raster_names]
        counts, peaks = _write_rasters(journal, rasters)
        written = WrittenMap(
            staged,
            plan.stem,
            plan.scene_name,
            plan.grid,
            rasters[0],
            rasters[1:],
            [rasters[1 + score] for score in plan.scores],
            plan.class_names,
            plan.colours,
            plan.tags,
        )
        counts = finish_map(written, counts, plan.outputs, plan.vectors, plan.strip_pixels)
        if plan.preview:
            _draw(journal, rasters[0], staged.path(f"{plan.stem}_preview.png"), counts)
        describe_map(written, plan.outputs)
        older = find_older_files(Path(folder), plan.stem)
        files = tuple(staged.commit([*older, journal.folder.name]))
    journal.remove()
    found = dict(zip(plan.class_names, counts[1:-1].tolist(), strict=True))
    valid, seconds = int(counts[:-1].sum()), time.perf_counter() - begin
    return FinishedMap(files, plan.num_pixels, valid, found, seconds, _find_peaks(plan, peaks))


def _write_rasters(
    journal: Journal, paths: list[Path]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Write class map and layers; return pixel counts and the maximum of each plane."""
    plan = journal.plan
    counts = np.zeros(256, np.int64)
    peaks = np.full(len(paths), -1)
    with limit_cache(), ExitStack() as stack:  # every block is written once
        writers = [
            stack.enter_context(StripWriter(path, plan.grid, style, plan.tags))
            for path, style in zip(paths, plan.styles, strict=True)
        ]
        for section in range(plan.num_sections):
            for planes in journal.read(section):
                counts += np.bincount(planes[0].ravel(), minlength=256)
                for number, (writer, rows) in enumerate(zip(writers, planes, strict=True)):
                    writer.append(rows)
                    above = int((rows + NO_DATA_TO_0).max())
                    peaks[number] = max(peaks[number], above - 1)
    return np.append(counts[: len(plan.class_names) + 1], counts[NODATA]), peaks


def _find_peaks(plan: MapPlan, peaks: npt.NDArray[np.int64]) -> dict[str, float]:
    """Largest probability of each class that has its own raster."""
    return {
        name: int(peaks[1 + layer]) / PROBABILITY_STEPS
        for name, layer in zip(plan.class_names, plan.scores, strict=True)
        if plan.scores.count(layer) == 1 and peaks[1 + layer] >= 0
    }


def _draw(journal: Journal, classes: Path, path: Path, counts: npt.NDArray[np.int64]) -> None:
    plan = journal.plan
    image = journal.load_overview()
    with open_raster(classes) as dataset:
        reduced = dataset.read(1, out_shape=image.shape[1:])
    factors = image.shape[2] / plan.grid.width, image.shape[1] / plan.grid.height
    outlines = scale_outlines(plan.outlines, factors)
    valid = max(1, int(counts[:-1].sum()))
    legend = [
        LegendEntry(name, colour, int(count) / valid)
        for name, colour, count in zip(plan.class_names, plan.colours, counts[1:], strict=False)
    ]
    with report_write_errors(path):
        draw_preview(path, image, reduced, legend, plan.stem, outlines, plan.notes)
