"""Maps that take long: what they will cost, shards of job arrays, and going on after a kill."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli import values
from fewscape.cli.map_pixel import choose_policy
from fewscape.cli.map_report import show_progress, tell_result
from fewscape.cli.map_warnings import warn_of_map

if TYPE_CHECKING:
    from fewscape.core import Policy
    from fewscape.mapping import Mapper
    from fewscape.mapping.ray_engine import OpenMapper

RULE = """\
Finished parts lie in a hidden folder under --output until the map is written. A run that was
killed is continued by the same command, to the same bytes. The jobs of an array make one shard
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
    group.add_argument("--shard", type=values.shard, help="make only this shard, such as 3/16")
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
    """Make maps, shards of them, or only tell what they will cost.

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
    from fewscape.mapping import estimate_map, make_map, make_shard

    name, pixels = mapper.plan.scene_name, mapper.plan.num_pixels
    if arguments.dry_run or mapper.num_windows >= TELL_WINDOWS:
        whole = "" if arguments.shard is None else " (of all shards together)"
        print(f"{name}: {estimate_map(mapper).tell()}{whole}", flush=True)
    if arguments.dry_run:
        return
    if arguments.shard is None:
        with show_progress(name, pixels) as on_progress:
            result = make_map(mapper, arguments.output, on_progress)
        tell_result(name, result)
        warn_of_map(mapper.plan, result)
        return
    index, count = arguments.shard
    with show_progress(name, pixels // count) as on_progress:
        journal = make_shard(mapper, arguments.output, arguments.shard, on_progress)
    missing = len(journal.missing())
    told = f"{missing} parts of other shards are missing" if missing else "all parts are there"
    print(f"{name}: shard {index} of {count} is finished; {told}")
    if not missing:
        print(f"write the map with: fewscape merge {arguments.output}")


def _run_on_cluster(
    arguments: argparse.Namespace,
    mappers: Mapping[str, Mapper],
    make_opener: Callable[[argparse.Namespace], OpenMapper],
) -> None:
    from fewscape.core import ConfigError
    from fewscape.mapping import RayOptions, map_with_ray

    if arguments.shard is not None or arguments.dry_run:
        raise ConfigError(
            "--engine ray was given with --shard or --dry_run",
            "a cluster shares the work out itself",
            "leave --engine out to make a share or to tell the cost",
        )
    policy = choose_policy(arguments)
    gpus = float(policy.device.type == "cuda")
    cluster = RayOptions(arguments.ray_address, arguments.workers, gpus)
    make = partial(make_opener, _resolve(arguments, policy))
    pixels = sum(mapper.plan.num_pixels for mapper in mappers.values())
    label = "1 map" if len(mappers) == 1 else f"{len(mappers)} maps"
    with show_progress(label, pixels) as on_progress:
        finished = map_with_ray(mappers, make, arguments.output, cluster, on_progress)
        for name, result in finished:
            tell_result(mappers[name].plan.scene_name, result)
            warn_of_map(mappers[name].plan, result)


def _resolve(arguments: argparse.Namespace, policy: Policy) -> argparse.Namespace:
    """The arguments for processes that run in other folders, on machines of the same kind."""
    from fewscape.zoo import EMBEDDED_NAMES, MODELS, PIXEL_MODELS

    told = argparse.Namespace(**vars(arguments))
    told.device, told.precision = policy.device.type, str(policy.dtype).removeprefix("torch.")
    for name in ("examples", "example_scene", "model", "weights", "pan", "ms"):
        value = getattr(told, name)
        is_name = name == "model" and value in (*MODELS, *PIXEL_MODELS, *EMBEDDED_NAMES)
        if value is not None and not is_name and Path(value).exists():
            setattr(told, name, type(value)(Path(value).resolve()))
    return told
