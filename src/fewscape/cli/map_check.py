"""``fewscape map --check``: how right a finished map is, from polygons that were kept back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape.cli.map_inputs import check_overwriting, warn

if TYPE_CHECKING:
    from fewscape.mapping import Annotations, DrawnOn, Mapper, MapPlan

RULE = """\
Polygons, points or a label raster that did not teach the network, read as --examples are. Of the
checked pixels the confusion matrix, IoU, user's and producer's accuracy are told. Areas and the
accuracies of the whole map are estimated after Olofsson et al. (2014); they hold if the polygons
are a random sample of the ground of each mapped class. Intervals come from weighing polygons anew:
one counts once, however many pixels it has. Draw 'background' (or 'area'), too: without, nobody
sees what is mapped where nothing is."""


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """A map that will be checked."""

    plan: MapPlan
    polygons: Annotations
    """In columns and rows of the map."""
    shared_pixels: int
    """Checked pixels that were examples, too."""

    @property
    def file_name(self) -> str:
        """Of the result."""
        return f"{self.plan.stem}_check.json"


def add_check_options(group: argparse._ArgumentGroup) -> None:
    """Declare the option."""
    group.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="polygons, points or label raster to score the finished map with",
    )


def check_options(arguments: argparse.Namespace) -> None:
    """Refuse before any work what cannot be checked.

    Raises:
        ConfigError: no map will be finished.
        ExamplesError: the file is missing.
    """
    from fewscape.core import ConfigError, ExamplesError

    if arguments.check is None:
        return
    if arguments.shard is not None or arguments.dry_run:
        other = "--dry_run" if arguments.dry_run else "--shard"
        raise ConfigError(
            f"--check was given with {other}",
            "only a finished map can be checked",
            f"leave out --check or {other}",
        )
    if not arguments.check.exists():
        raise ExamplesError(
            f"the check polygons '{arguments.check}' do not exist", "", "check the path"
        )


@contextmanager
def checking(
    arguments: argparse.Namespace, mappers: Mapping[str, Mapper], drawn: Mapping[str, DrawnOn]
) -> Iterator[None]:
    """Read the polygons before maps are made, score the maps when they are finished.

    Args:
        arguments: of the command; without ``check`` nothing happens.
        mappers: of the maps, by name.
        drawn: by the same names, the scenes on which people drew.

    Raises:
        ExamplesError: the polygons cannot be read, lie in no scene, or have a class that a map
            has not.
        ConfigError: the result would replace an input.
    """
    planned = [] if arguments.check is None else _read(arguments, mappers, drawn)
    yield
    for each in planned:
        _score(arguments, each)


def _read(
    arguments: argparse.Namespace, mappers: Mapping[str, Mapper], drawn: Mapping[str, DrawnOn]
) -> list[PlannedCheck]:
    """A check for every scene in which polygons lie."""
    from fewscape.core import ExamplesError
    from fewscape.mapping.checking import check_names, read_check

    planned, errors = [], []
    for position, (name, mapper) in enumerate(mappers.items()):
        with closing(mapper):
            plan = mapper.plan
        scene = drawn[name]
        try:
            polygons = read_check(
                arguments.check, scene, plan.grid, arguments.class_field, arguments.label_zero
            )
        except ExamplesError as error:
            errors.append((scene.path.name, error))
            continue
        check_names(polygons, plan.class_names)
        shared = _count_shared(arguments, scene, polygons, is_first=position == 0)
        planned.append(PlannedCheck(plan, polygons, shared))
        _check_inputs(arguments, planned[-1])
        _warn(planned[-1])
    if not planned:
        problem, expected, remedy = (
            getattr(errors[0][1], part) for part in ("problem", "expected", "remedy")
        )
        raise ExamplesError(f"--check {arguments.check}: {problem}", expected, remedy)
    for scene_name, found in errors:
        warn(f"the map of '{scene_name}' is not checked: {found.problem}")
    return planned


def _count_shared(
    arguments: argparse.Namespace, scene: DrawnOn, polygons: Annotations, is_first: bool
) -> int:
    """Checked pixels that were examples, too, where both lie on the same ground."""
    from fewscape.core import ExamplesError
    from fewscape.mapping import read_annotations
    from fewscape.mapping.checking import count_shared
    from fewscape.mapping.examples.label_rasters import RASTERS
    from fewscape.raster import to_source

    if arguments.examples is None:
        return 0
    other = arguments.example_scene
    is_own = is_first if other is None else to_source(other).path == scene.path
    is_placed = scene.grid.crs is not None and arguments.examples.suffix.lower() not in RASTERS
    if not (is_own or is_placed):
        return 0
    try:
        examples = read_annotations(
            arguments.examples,
            scene,
            arguments.class_field,
            arguments.label_zero,
            buffer=arguments.buffer,
        )
    except ExamplesError:  # they lie in another scene
        return 0
    return count_shared(polygons, examples.move_to(polygons.grid))


def _check_inputs(arguments: argparse.Namespace, planned: PlannedCheck) -> None:
    """Neither map nor result may replace what they are made from."""
    from fewscape.core import ConfigError

    check_overwriting(arguments.output, planned.plan.stem, (arguments.check,))
    target = (arguments.output / planned.file_name).resolve()
    for path in (arguments.check, arguments.examples):
        if path is not None and path.resolve() == target:
            raise ConfigError(
                f"the result of --check would overwrite the input '{path}'",
                "",
                "choose another folder with --output",
            )


def _warn(planned: PlannedCheck) -> None:
    if planned.shared_pixels:
        warn(
            f"{planned.shared_pixels} checked pixels of '{planned.plan.scene_name}' were examples, "
            "too; the network saw them, so the scores are too good"
        )
    if contested := planned.polygons.count_overlaps():
        warn(
            f"{contested} pixels of '{planned.polygons.path.name}' were drawn as two classes; "
            "they are not checked"
        )


def _score(arguments: argparse.Namespace, planned: PlannedCheck) -> None:
    """Compare, write the result, print the tables."""
    from fewscape import __version__
    from fewscape.cli.map_check_report import score_check, tell_check
    from fewscape.core import hash_file
    from fewscape.evaluation import write_results
    from fewscape.mapping.checking import check_map

    plan = planned.plan
    classes = arguments.output / plan.raster_names[0]
    results = {
        "map": classes.name,
        "map_sha256": hash_file(classes),
        "check": arguments.check.name,
        "check_sha256": hash_file(arguments.check),
        "version": __version__,
        "shared_pixels": planned.shared_pixels,
        **score_check(check_map(classes, planned.polygons, plan.class_names)),
    }
    write_results(results, arguments.output / planned.file_name)
    tell_check(plan.scene_name, results)
    print(f"  {arguments.output / planned.file_name}")
