"""Run a request: check it, learn, map here or on a cluster, and check the maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from fewscape.core import Policy, ResultsError
from fewscape.mapping import (
    FinishedMap,
    Journal,
    Mapper,
    MapPlan,
    RayOptions,
    assemble,
    estimate_map,
    make_map,
    make_shard,
    map_with_ray,
)
from fewscape.mapping.map_warnings import list_warnings
from fewscape.mapping.ray_engine import OpenMapper
from fewscape.raster import StagedFiles
from fewscape.raster.gdal import CACHE_BYTES, limit_cache
from fewscape.request.check import plan_checks, score_map
from fewscape.request.checks import check_request
from fewscape.request.map_request import MapRequest
from fewscape.request.map_result import MapResult
from fewscape.request.mappers import find_model, make_opener, prepare, prepare_for_cluster
from fewscape.request.outputs import check_files
from fewscape.request.policy import choose_policy
from fewscape.request.reporter import Reporter
from fewscape.request.scenes import list_sources

TELL_WINDOWS = 500
"""Number of windows from which the cost is reported first."""


def run_map(request: MapRequest, reporter: Reporter | None = None) -> list[MapResult]:
    """Make the maps of a request.

    Run the same request again to resume a killed run; the result is the same, byte for byte.

    Args:
        request: the request.
        reporter: receives progress and warnings.

    Returns:
        The maps in the order of completion; empty for a dry run or a shard.

    Raises:
        FewscapeError: the request cannot be met; the message says what to do. Maps finished before
            the error stay; no other output file is written or replaced.
    """
    reporter = reporter or Reporter()
    facts = find_model(request)
    check_request(request, facts)
    with limit_cache(CACHE_BYTES):
        sources = list_sources(request)
        with StagedFiles(request.output):
            pass  # report an unwritable folder before any work
        prepared = prepare(request, facts, sources, reporter)
        check_files(request, facts, sources, prepared.mappers)
        checks = plan_checks(request, prepared.mappers, prepared.drawn, reporter)
        if request.engine == "ray":
            told, named = prepare_for_cluster(request, facts, sources)
            opener = partial(make_opener, told, named)
            policy = choose_policy(request, facts)
            made = _run_on_cluster(request, prepared.mappers, opener, policy, reporter)
        else:
            made = _run_here(request, prepared.mappers, reporter)
        results = {}
        for name, finished in made:
            plan = prepared.mappers[name].plan
            _report(plan, finished, reporter)
            results[name] = MapResult(plan, finished, prepared.own)
        for name, check in checks.items():
            results[name] = results[name].with_check(score_map(request, check, reporter))
    return list(results.values())


def merge_shards(folder: Path | str, reporter: Reporter | None = None) -> list[MapResult]:
    """Write every map whose parts are complete.

    Args:
        folder: the output folder of the shards.
        reporter: receives the finished maps.

    Raises:
        ResultsError: the folder holds no parts, or some map is incomplete; complete maps are
            written.
        OutputError: a map cannot be written.
    """
    reporter = reporter or Reporter()
    journals = Journal.find(folder)
    if not journals:
        raise ResultsError(
            f"'{folder}' holds no parts of maps",
            "expected the --output of 'fewscape map --shard ...'",
            "check the folder; finished maps need no merge",
        )
    results, lacking = [], []
    for journal in journals:
        plan = journal.plan
        if missing := journal.missing():
            lacking.append(
                f"{len(missing)} of {plan.num_sections} parts of '{plan.stem}' "
                f"(from part {missing[0] + 1})"
            )
            continue
        finished = assemble(journal, folder)
        _report(plan, finished, reporter)
        results.append(MapResult(plan, finished))
    if lacking:
        raise ResultsError(
            f"{'; '.join(lacking)} are missing",
            "",
            "run the unfinished shards again; they make only what is missing",
        )
    return results


def _report(plan: MapPlan, finished: FinishedMap, reporter: Reporter) -> None:
    reporter.finished(plan.scene_name, finished)
    for sentence in list_warnings(plan, finished):
        reporter.warn(sentence)


def _run_here(
    request: MapRequest, mappers: Mapping[str, Mapper], reporter: Reporter
) -> Iterator[tuple[str, FinishedMap]]:
    for name, mapper in mappers.items():
        with closing(mapper):
            finished = _make(request, mapper, reporter)
        if finished is not None:
            yield name, finished


def _make(request: MapRequest, mapper: Mapper, reporter: Reporter) -> FinishedMap | None:
    """Make a map; None for a dry run or a shard."""
    name, pixels = mapper.plan.scene_name, mapper.plan.num_pixels
    if request.dry_run or mapper.num_windows >= TELL_WINDOWS:
        reporter.cost(name, estimate_map(mapper), request.shard is not None)
    if request.dry_run:
        return None
    if request.shard is None:
        with reporter.progress(name, pixels) as on_progress:
            return make_map(mapper, request.output, on_progress)
    index, count = request.shard
    with reporter.progress(name, pixels // count) as on_progress:
        journal = make_shard(mapper, request.output, request.shard, on_progress)
    missing = len(journal.missing())
    told = f"{missing} parts of other shards are missing" if missing else "all parts are there"
    reporter.info(f"{name}: shard {index} of {count} is finished; {told}")
    if not missing:
        reporter.info(f"write the map with: fewscape merge {request.output}")
    return None


def _run_on_cluster(
    request: MapRequest,
    mappers: Mapping[str, Mapper],
    opener: partial[OpenMapper],
    policy: Policy,
    reporter: Reporter,
) -> Iterator[tuple[str, FinishedMap]]:
    gpus = float(policy.device.type == "cuda")
    cluster = RayOptions(request.ray_address, request.workers, gpus)
    pixels = sum(mapper.plan.num_pixels for mapper in mappers.values())
    label = "1 map" if len(mappers) == 1 else f"{len(mappers)} maps"
    with reporter.progress(label, pixels) as on_progress:
        yield from map_with_ray(mappers, opener, request.output, cluster, on_progress)
