"""Make the files of a map in memory that does not grow with the scene."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from fewscape.mapping.engine.segmenter import Segmenter
from fewscape.mapping.mapper import MapOptions, Mapper, OnProgress, ignore
from fewscape.mapping.output.assembly import FinishedMap, assemble
from fewscape.mapping.output.journal import Journal, join_runs, split_sections
from fewscape.mapping.plan import Planes
from fewscape.mapping.windows.scene_mapper import SceneMapper
from fewscape.raster import SceneReader, StagedFiles


def map_scene(
    scene: SceneReader,
    segmenter: Segmenter,
    folder: Path | str,
    options: MapOptions | None = None,
    on_progress: OnProgress = ignore,
) -> FinishedMap:
    """Map a scene and write the files; see ``SceneMapper`` and ``make_map``."""
    return make_map(SceneMapper(scene, segmenter, options), folder, on_progress)


def make_map(mapper: Mapper, folder: Path | str, on_progress: OnProgress = ignore) -> FinishedMap:
    """Make a map and write its files, all at once at the end.

    ::

        <stem>_classes.tif uint8: 0 background, 1 to K classes, 255 nodata; colour table
        <stem>_<layer>.tif uint8: values in [0, 1] in steps of 1 / 254, 255 nodata; for a scene
                            <class>_prob per class, for a pair confidence and margin
        <stem>_*.qml QGIS style of each raster <stem>.gpkg         polygons with class, score, area
        and perimeter <stem>_preview.png  the raster beside the map <stem>.stac.json a STAC item, if
        requested

    Args:
        mapper: mapper of the scene or pair.
        folder: output folder, created if absent; older maps of the raster are replaced.
        on_progress: see ``OnProgress``.

    Raises:
        SceneError: the raster is damaged or has no valid pixel.
        OutputError: the folder cannot be written, or the disk is full.
        ConfigError: too many classes.
    """
    begin = time.perf_counter()
    with _open_journal(mapper, folder) as journal:
        _fill(journal, mapper, (0, journal.plan.num_sections), on_progress)
        result = assemble(journal, folder)
    return replace(result, seconds=time.perf_counter() - begin)


def make_shard(
    mapper: Mapper,
    folder: Path | str,
    shard: tuple[int, int],
    on_progress: OnProgress = ignore,
) -> Journal:
    """Make one shard of a map's sections; ``assemble`` writes the files when all are done.

    Args:
        mapper: mapper of the scene or pair, the same for all shards. Finished sections are always
            kept.
        folder: output folder, the same for all shards.
        shard: number from 1, and number of shards.
        on_progress: see ``OnProgress``.

    Returns:
        The journal, with the finished sections of this and other shards.

    Raises:
        SceneError: see ``make_map``.
        OutputError: likewise.
        ConfigError: likewise.
    """
    journal = begin_map(mapper, folder)
    _fill(journal, mapper, split_sections(journal.plan.num_sections, shard), on_progress)
    return journal


def begin_map(mapper: Mapper, folder: Path | str) -> Journal:
    """Open the journal of a map, empty or as left by an earlier run.

    Args:
        mapper: mapper of the scene or pair.
        folder: output folder.

    Raises:
        SceneError: see ``make_map``.
        OutputError: likewise.
        ConfigError: likewise.
    """
    with StagedFiles(folder):
        pass  # report an unwritable folder before any work
    journal = Journal(folder, mapper.plan)
    if journal.plan.preview and not journal.has_overview:
        journal.save_overview(mapper.read_overview())
    return journal


@contextmanager
def _open_journal(mapper: Mapper, folder: Path | str) -> Iterator[Journal]:
    """Open the journal in the output folder, or in a temporary folder without ``resume``."""
    if mapper.options.resume:
        yield begin_map(mapper, folder)
        return
    with StagedFiles(folder):
        pass
    with tempfile.TemporaryDirectory(prefix=".fewscape-", dir=folder) as hidden:
        yield begin_map(mapper, hidden)


def _fill(
    journal: Journal, mapper: Mapper, shard: tuple[int, int], on_progress: OnProgress
) -> None:
    """Make the missing sections of a shard."""
    missing = journal.missing(*shard)
    done = set(range(*shard)) - set(missing)
    on_progress(sum(map(journal.plan.count_pixels, done)))
    for run in join_runs(missing):
        with closing(mapper.make_sections(run)) as made:
            for section, parts in made:
                journal.write(section, _count(parts, on_progress))


def _count(parts: Iterator[Planes], on_progress: OnProgress) -> Iterator[Planes]:
    for planes in parts:
        yield planes
        on_progress(planes[0].size)
