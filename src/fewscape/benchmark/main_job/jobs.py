"""The main job: a user draws a little in a scene, and ``fewscape map`` maps the rest."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.benchmark.main_job.drawings import OPTIONS, cover, draw_scene, write_drawings
from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.benchmark.main_job.score import NOTHING, Found, read_map, score_false, score_iou
from fewscape.benchmark.main_job.simulated_user import FORMS
from fewscape.benchmark.main_job.tasks import SHARES, TASKS, Job, plan_jobs
from fewscape.core import ConfigError, suggest

MapCommand = Callable[[list[str]], int]
"""``fewscape`` with what stands behind it on the command line; gives its exit code."""

MAP_OPTIONS = ("--no_preview", "--no_vectors", "--no_styles")
"""Only the class map is looked at."""

INTERRUPTED = 130
"""Exit code of a command that was stopped by hand."""


@dataclass(frozen=True, slots=True)
class JobModel:
    """A model that takes part."""

    label: str
    """What it is called in the results."""
    options: tuple[str, ...]
    """Of ``fewscape map``."""

    @classmethod
    def parse(cls, text: str) -> JobModel:
        """From ``MODEL``, ``MODEL@WEIGHTS`` or either behind ``LABEL=``.

        Examples:
            >>> JobModel.parse("prototype@w/mobile.safetensors").label
            'prototype@mobile'
        """
        label, equals, named = text.partition("=")
        name, at, weights = (named if equals else text).partition("@")
        if not name or (at and not weights) or (equals and not label):
            raise ConfigError(
                f"'{text}' names no model",
                "expected MODEL, MODEL@WEIGHTS-FILE or LABEL=MODEL",
                "give for instance maximum_likelihood",
            )
        shown = name if name.isidentifier() else Path(name).name
        own = f"{shown}@{Path(weights).stem}" if at else shown
        more = ("--weights", weights) if at else ()
        return cls(label if equals else own, ("--model", name, *more))


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the results."""

    dataset: str
    scene: str
    task: str
    form: str
    polygons: int
    """Drawings a class."""
    model: str
    seed: int


class MainJob:
    """Makes and scores the maps of one data set.

    Args:
        scenes: see ``choose_scenes``.
        run_map: the command line.
        seed: of the drawings.
        options: of ``fewscape map``, for all models.
    """

    def __init__(
        self,
        scenes: Sequence[JobScene],
        run_map: MapCommand,
        seed: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        self.scenes = scenes
        self.dataset = scenes[0].dataset
        self.run_map = run_map
        self.seed = seed
        self.options = tuple(options)

    def has_jobs(self, task: str, index: int, form: str = "areas") -> bool:
        """Whether a task makes sense on a scene."""
        return bool(plan_jobs(task, self.scenes, index, form))

    def case(self, index: int, task: str, form: str, polygons: int, model: JobModel) -> Case:
        """The cell of a scene.

        Raises:
            ConfigError: see ``check_task``.
        """
        check_task(task, form)
        name = self.scenes[index].name
        return Case(self.dataset, name, task, form, polygons, model.label, self.seed)

    def run(
        self,
        index: int,
        task: str,
        form: str,
        polygons: int,
        model: JobModel,
        keep_map: Callable[[Found], None] | None = None,
    ) -> dict[str, Any]:
        """Make the maps of a cell and score them.

        Args:
            index: scene that is drawn on.
            task: one of ``TASKS``.
            form: one of ``FORMS``.
            polygons: drawings a class.
            model: who maps.
            keep_map: is shown every map.

        Returns:
            The fields of ``Case``; ``target``: the scene that was mapped; ``classes``: IoU by
            name, None where nothing is left to find; ``score``: their mean, or the share that is
            falsely mapped; 0, or None for a share, where no map was made; ``failures``: what
            the command said then; ``maps`` and ``seconds`` of all of them.
        """
        case = self.case(index, task, form, polygons, model)
        jobs = plan_jobs(task, self.scenes, index, form)
        classes: dict[str, float | None] = {}
        failures: list[str] = []
        seconds = 0.0
        for job in jobs:
            drawings = draw_scene(job.source, job.names, polygons, form, self.seed)
            with tempfile.TemporaryDirectory() as folder:
                write_drawings(Path(folder) / "examples.geojson", drawings, job.names)
                started = time.perf_counter()
                failure = self._map(job, Path(folder), (*model.options, *OPTIONS[form]))
                seconds += time.perf_counter() - started
                if failure:
                    failures.append(failure)
                    found = None
                else:
                    path = Path(folder) / "map" / "target_classes.tif"
                    found = read_map(path, job.target.class_names)
                    if keep_map is not None:
                        keep_map(found)
            is_same = job.target is job.source
            drawn = cover(drawings if is_same else [], job.target.labels.shape)
            classes |= _score(task, job, found, drawn)
        known = [value for value in classes.values() if value is not None]
        return {
            **asdict(case),
            "target": jobs[0].target.name if jobs else None,
            "classes": classes,
            "score": float(np.mean(known)) if known else None,
            "failures": failures,
            "maps": len(jobs),
            "seconds": round(seconds, 3),
        }

    def _map(self, job: Job, folder: Path, options: Sequence[str]) -> str:
        """Run the command; what it complained of, or nothing."""
        target = folder / "target.tif"
        job.target.write(target)
        words = ["map", str(target), "--examples", str(folder / "examples.geojson")]
        if job.source is not job.target:
            job.source.write(folder / "source.tif")
            words += ["--example_scene", str(folder / "source.tif")]
        words += ["--output", str(folder / "map"), *MAP_OPTIONS, *options, *self.options]
        said = io.StringIO()
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            try:
                code = self.run_map(words)
            except SystemExit as error:  # the parser's own refusal
                code = int(error.code or 0) if isinstance(error.code, int | None) else 1
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code == 0:
            return ""
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("error:", "defect:"))] or lines
        return (told or [f"exit code {code}"])[-1].replace(f"{folder}/", "")


def check_task(task: str, form: str) -> None:
    """Refuse what makes no sense.

    Raises:
        ConfigError: unknown task or form, or outlined objects where all ground has a class.
    """
    if task not in TASKS:
        raise ConfigError(f"there is no task '{task}'", "", suggest(task, TASKS))
    if form not in FORMS:
        raise ConfigError(f"'{form}' is no form of drawing", "", suggest(form, FORMS))
    if form == "objects" and task in ("all", "across"):
        raise ConfigError(
            f"the task '{task}' was asked for with the form 'objects'",
            "the ring around an outlined object is background, but all ground has a class there",
            "choose the form 'areas', or the tasks one and alone",
        )


def _score(
    task: str, job: Job, found: Found | None, drawn: np.ndarray[Any, np.dtype[np.bool_]]
) -> dict[str, float | None]:
    """By class name; without a map 0, or None for the share of a class that is not there."""
    names = job.source.class_names
    if task in SHARES:
        number = job.scored[0]
        share = None if found is None else score_false(found, job.target.labels, number)
        return {names[number]: share}
    if found is None:
        found = np.full(job.target.labels.shape, NOTHING, np.int16)
    scores = score_iou(found, job.target.labels, drawn, job.scored)
    return {names[number]: value for number, value in scores.items()}
