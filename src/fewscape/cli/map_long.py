"""Maps that take long: what they will cost, shares of job arrays, and going on after a kill."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from fewscape.cli import values
from fewscape.cli.map_report import show_progress, tell_result

if TYPE_CHECKING:
    from fewscape.raster import SceneReader
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
