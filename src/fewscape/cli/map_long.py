"""Maps that take long: what they will cost, shares of job arrays, and going on after a kill."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values
from fewscape.cli.map_report import show_progress, tell_result

if TYPE_CHECKING:
    from fewscape.raster import SceneReader, Source
    from fewscape.scene import MapOptions, Segmenter

RULE = """\
Finished parts lie in a hidden folder under --output until the map is written. A run that was
killed is continued by the same command, to the same bytes. The jobs of an array make one share
each with --shard; 'fewscape merge OUTPUT' then writes the maps."""

TELL_WINDOWS = 500
"""Windows from which the cost is told beforehand."""


def add_long_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options."""
    group.add_argument("--dry_run", action="store_true", help="tell the cost and map nothing")
    group.add_argument(
        "--max_memory",
        type=values.num_bytes,
        help="such as 2GB, for all of the mapping beside the network and the libraries",
    )
    group.add_argument("--shard", type=values.shard, help="make only this share, such as 3/16")
    group.add_argument(
        "--engine", default="here", choices=["here", "ray"], help="ray: on a Ray cluster (here)"
    )
    group.add_argument(
        "--ray_address", help="of a running cluster, such as auto; Ray is started here without"
    )
    group.add_argument(
        "--workers", type=values.positive, default=2, help="networks at a time on the cluster (2)"
    )


def map_one(
    arguments: argparse.Namespace, scene: SceneReader, segmenter: Segmenter, options: MapOptions
) -> None:
    """Map one scene, a share of it, or only tell the cost."""
    from fewscape.scene import estimate_map, map_scene, map_shard, plan_scene

    name, pixels = scene.path.name, scene.height * scene.width
    is_long = len(plan_scene(scene, segmenter, options.overlap)) >= TELL_WINDOWS
    if arguments.dry_run or is_long:
        print(f"{name}: {estimate_map(scene, segmenter, options).tell()}", flush=True)
    if arguments.dry_run:
        return
    if arguments.shard is None:
        with show_progress(name, pixels) as progress:
            options = replace(options, progress=progress)
            result = map_scene(scene, segmenter, arguments.output, options)
        tell_result(name, result)
        return
    with show_progress(name, pixels // arguments.shard[1]) as progress:
        options = replace(options, progress=progress)
        journal = map_shard(scene, segmenter, arguments.output, options, arguments.shard)
    index, count = arguments.shard
    missing = len(journal.missing())
    told = f"{missing} parts of other shares are missing" if missing else "all parts are there"
    print(f"{name}: share {index} of {count} is finished; {told}")
    if not missing:
        print(f"write the map with: fewscape merge {arguments.output}")


def map_all_with_ray(
    arguments: argparse.Namespace,
    scenes: Sequence[SceneReader],
    segmenter: Segmenter,
    options: MapOptions,
) -> None:
    """Map all scenes on a Ray cluster, whose nodes see the same files.

    Raises:
        ConfigError: options that tell nothing to a cluster.
    """
    import torch

    from fewscape.core import ConfigError
    from fewscape.scene import RayOptions, map_with_ray

    if arguments.shard is not None or arguments.dry_run:
        raise ConfigError(
            "--engine ray was given with --shard or --dry_run",
            "a cluster shares the work out itself",
            "leave --engine out to make a share or to tell the cost",
        )
    told = _resolve_paths(arguments)
    sources = {}
    for scene in scenes:
        source = scene.source
        if source.file is not None:
            source = replace(source, address=str(source.file.resolve()))
        sources[source.address] = source
    cluster = RayOptions(arguments.ray_address, arguments.workers, float(torch.cuda.is_available()))
    pixels = sum(scene.height * scene.width for scene in scenes)
    with show_progress(f"{len(scenes)} scenes", pixels) as progress:
        options = replace(options, progress=progress)
        make, opener = partial(_make, told, [*sources.values()]), partial(_open, told, sources)
        finished = map_with_ray(
            list(sources), segmenter, make, opener, arguments.output, options, cluster
        )
        for address, result in finished:
            tell_result(sources[address].path.name, result)


def _make(arguments: argparse.Namespace, sources: Sequence[Source]) -> Segmenter:
    from fewscape.cli.map_models import make_segmenter

    return make_segmenter(arguments, sources)[0]


def _open(
    arguments: argparse.Namespace, sources: Mapping[str, Source], address: str
) -> SceneReader:
    from fewscape.cli.map_inputs import open_scene

    return open_scene(arguments, sources[address], arguments.bands)


def _resolve_paths(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments for processes that run in other folders."""
    told = argparse.Namespace(**vars(arguments))
    for name in ("examples", "example_scene", "model", "weights"):
        value = getattr(told, name)
        if value is not None and Path(value).exists():
            setattr(told, name, type(value)(Path(value).resolve()))
    return told
