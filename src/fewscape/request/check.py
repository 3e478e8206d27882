"""The accuracy of a finished map, from held-out polygons."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewscape import __version__
from fewscape.core import ExamplesError, hash_file
from fewscape.evaluation import write_results
from fewscape.mapping import Annotations, DrawnOn, Mapper, MapPlan, read_annotations
from fewscape.mapping.checking import check_map, check_names, count_shared, read_check
from fewscape.mapping.examples.label_rasters import RASTERS
from fewscape.mapping.output.collisions import check_kept, identify_files
from fewscape.raster import to_source
from fewscape.request.check_scores import score_check
from fewscape.request.map_request import MapRequest
from fewscape.request.outputs import list_inputs
from fewscape.request.reporter import Reporter


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """The check of one map."""

    plan: MapPlan
    path: Path
    """File of the polygons."""
    polygons: Annotations
    """In columns and rows of the map."""
    shared_pixels: int
    """Checked pixels that are also examples."""

    @property
    def file_name(self) -> str:
        """File name of the result."""
        return f"{self.plan.stem}_check.json"


def plan_checks(
    request: MapRequest,
    mappers: Mapping[str, Mapper],
    drawn: Mapping[str, DrawnOn],
    reporter: Reporter,
) -> dict[str, PlannedCheck]:
    """Read the check polygons before mapping, and plan a check for every scene that has some.

    Args:
        request: the request; without ``check``, nothing is planned.
        mappers: mappers by map name.
        drawn: the drawn scenes by map name.
        reporter: receives warnings about unreliable polygons.

    Raises:
        ExamplesError: the polygons cannot be read, are inside no scene, or have a class that a map
            lacks.
        ConfigError: the result would replace an input.
    """
    if request.check is None:
        return {}
    planned, errors = {}, []
    inputs = identify_files(list_inputs(request, map(to_source, request.scenes)))
    for position, (name, mapper) in enumerate(mappers.items()):
        with closing(mapper):
            plan = mapper.plan
        scene = drawn[name]
        try:
            polygons = read_check(
                request.check,
                scene,
                plan.grid,
                request.class_field,
                request.label_zero,
                request.check_layer,
            )
        except ExamplesError as error:
            errors.append((scene.path.name, error))
            continue
        check_names(polygons, plan.class_names)
        shared = _count_shared(request, scene, polygons, is_first=position == 0)
        planned[name] = PlannedCheck(plan, request.check, polygons, shared)
        check_kept(request.output / planned[name].file_name, plan.scene_name, inputs)
        _warn(planned[name], reporter)
    if not planned:
        problem, expected, remedy = (
            getattr(errors[0][1], part) for part in ("problem", "expected", "remedy")
        )
        raise ExamplesError(f"--check {request.check}: {problem}", expected, remedy)
    for scene_name, found in errors:
        reporter.warn(f"the map of '{scene_name}' is not checked: {found.problem}")
    return planned


def score_map(request: MapRequest, planned: PlannedCheck, reporter: Reporter) -> dict[str, Any]:
    """Compare a finished map with its check polygons and write the result.

    Returns:
        The content of the JSON file, see ``score_check``.

    Raises:
        OutputError: the result cannot be written.
    """
    plan = planned.plan
    classes = request.output / plan.raster_names[0]
    results = {
        "map": classes.name,
        "map_sha256": hash_file(classes),
        "check": planned.path.name,
        "check_sha256": hash_file(planned.path),
        "version": __version__,
        "shared_pixels": planned.shared_pixels,
        **score_check(check_map(classes, planned.polygons, plan.class_names)),
    }
    path = request.output / planned.file_name
    write_results(results, path)
    reporter.checked(plan.scene_name, results, path)
    return results


def _count_shared(
    request: MapRequest, scene: DrawnOn, polygons: Annotations, is_first: bool
) -> int:
    """Count checked pixels that are also examples."""
    if request.examples is None:
        return 0
    other = request.example_scene
    is_own = is_first if other is None else to_source(other).path == scene.path
    is_placed = scene.grid.crs is not None and request.examples.suffix.lower() not in RASTERS
    if not (is_own or is_placed):
        return 0
    try:
        examples = read_annotations(
            request.examples,
            scene,
            request.class_field,
            request.label_zero,
            buffer=request.buffer,
            layer=request.layer,
        )
    except ExamplesError:  # the examples are of another scene
        return 0
    return count_shared(polygons, examples.move_to(polygons.grid))


def _warn(planned: PlannedCheck, reporter: Reporter) -> None:
    if planned.shared_pixels:
        reporter.warn(
            f"{planned.shared_pixels} checked pixels of '{planned.plan.scene_name}' are also "
            "examples; the model learned from them, so the scores are too high"
        )
    if contested := planned.polygons.count_overlaps():
        reporter.warn(
            f"{contested} pixels of '{planned.polygons.path.name}' are drawn as two classes and "
            "not checked"
        )
