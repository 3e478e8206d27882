"""Maps that take long: what they will cost, shares of job arrays, and going on after a kill."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values
from fewscape.cli.map_report import show_progress, tell_result

if TYPE_CHECKING:
    from fewscape.scene import Mapper
    from fewscape.scene.ray_engine import OpenMapper

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


def run_maps(
    arguments: argparse.Namespace,
    mappers: Mapping[str, Mapper],
    make_opener: Callable[[argparse.Namespace], OpenMapper],
) -> None:
    """Make maps, shares of them, or only tell what they will cost.

    Args:
        arguments: of the command.
        mappers: of the maps, by name.
        make_opener: makes what opens a mapper like these by its name, in a process of a cluster,
            from arguments whose paths hold there.

    Raises:
        ConfigError: options that tell nothing to a cluster.
    """
    if arguments.engine == "ray":
        _run_on_cluster(arguments, mappers, make_opener)
        return
    for mapper in mappers.values():
        with closing(mapper):
            _run_here(arguments, mapper)


def _run_here(arguments: argparse.Namespace, mapper: Mapper) -> None:
    from fewscape.scene import estimate_map, make_map, make_share

    name, pixels = mapper.plan.scene_name, mapper.plan.num_pixels
    if arguments.dry_run or mapper.num_windows >= TELL_WINDOWS:
        print(f"{name}: {estimate_map(mapper).tell()}", flush=True)
    if arguments.dry_run:
        return
    if arguments.shard is None:
        with show_progress(name, pixels) as on_progress:
            result = make_map(mapper, arguments.output, on_progress)
        tell_result(name, result)
        return
    index, count = arguments.shard
    with show_progress(name, pixels // count) as on_progress:
        journal = make_share(mapper, arguments.output, arguments.shard, on_progress)
    missing = len(journal.missing())
    told = f"{missing} parts of other shares are missing" if missing else "all parts are there"
    print(f"{name}: share {index} of {count} is finished; {told}")
    if not missing:
        print(f"write the map with: fewscape merge {arguments.output}")


def _run_on_cluster(
    arguments: argparse.Namespace,
    mappers: Mapping[str, Mapper],
    make_opener: Callable[[argparse.Namespace], OpenMapper],
) -> None:
    import torch

    from fewscape.core import ConfigError
    from fewscape.scene import RayOptions, map_with_ray

    if arguments.shard is not None or arguments.dry_run:
        raise ConfigError(
            "--engine ray was given with --shard or --dry_run",
            "a cluster shares the work out itself",
            "leave --engine out to make a share or to tell the cost",
        )
    cluster = RayOptions(arguments.ray_address, arguments.workers, float(torch.cuda.is_available()))
    make = partial(make_opener, _resolve_paths(arguments))
    pixels = sum(mapper.plan.num_pixels for mapper in mappers.values())
    label = "1 map" if len(mappers) == 1 else f"{len(mappers)} maps"
    with show_progress(label, pixels) as on_progress:
        finished = map_with_ray(mappers, make, arguments.output, cluster, on_progress)
        for name, result in finished:
            tell_result(mappers[name].plan.scene_name, result)


def _resolve_paths(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments for processes that run in other folders."""
    told = argparse.Namespace(**vars(arguments))
    for name in ("examples", "example_scene", "model", "weights", "pan", "ms"):
        value = getattr(told, name)
        if value is not None and Path(value).exists():
            setattr(told, name, type(value)(Path(value).resolve()))
    return told
