"""Everything behind the page: scenes, what is drawn on them, the workers and the jobs."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from fewscape import __version__
from fewscape.core import ConfigError, FewscapeError
from fewscape.mapping import DrawnOn
from fewscape.mapping.examples.buffering import Buffer
from fewscape.mapping.examples.placing import place_polygons
from fewscape.models.pixel import PixelModel
from fewscape.raster import read_polygons
from fewscape.raster.opening.identity import fingerprint_scene
from fewscape.raster.vectors.annotation_json import list_images, parse_annotation_json
from fewscape.serve.desk import Desk, SceneChoice
from fewscape.serve.events import Broadcaster
from fewscape.serve.example import DrawnClass, Example, Snapshot
from fewscape.serve.features import MARGIN
from fewscape.serve.jobs import JobReport, JobRequest, MapJob, find_share, list_results
from fewscape.serve.learning import list_taught_classes
from fewscape.serve.report import write_report
from fewscape.serve.tiles import build_overviews, has_overviews
from fewscape.serve.workers import Workers


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What may be chosen when the page is started."""

    choice: SceneChoice = field(default_factory=SceneChoice)
    session: Path | None = None
    """GeoPackage of the examples of a single scene; beside the scene if not given."""
    examples: Path | None = None
    """Examples to begin with, on the first scene."""
    class_field: str = "class"
    cache: Path | None = None
    """Folder for features and reduced copies; none are kept if not given."""
    model: str = "ensemble"
    layer: str | None = None
    """Of the examples to begin with."""


class Session:
    """The scenes of one run of ``fewscape annotate``.

    Args:
        scenes: rasters, at least one.
        load: gives the model.
        options: see ``SessionOptions``.

    Raises:
        ConfigError: no scene, two of the same file, or one session file for several scenes.
        SceneError: a scene is missing, damaged or no raster.
        ExamplesError: examples that cannot be read.
        OutputError: a session file cannot be made.
    """

    def __init__(
        self,
        scenes: Sequence[Path],
        load: Callable[[], PixelModel[Any]],
        options: SessionOptions | None = None,
    ) -> None:
        self.options = options or SessionOptions()
        self.news = Broadcaster()
        self._load = load
        self._jobs: dict[int, MapJob] = {}
        files = _name_sessions(scenes, self.options.session)
        self.desks: list[Desk] = []
        try:
            for number, (scene, file) in enumerate(zip(scenes, files, strict=True)):
                self.desks.append(Desk(number, scene, file, self.options.choice))
            if self.options.examples is not None:
                self.take_over(self.desks[0], self.options.examples, self.options.layer)
        except FewscapeError:
            for desk in self.desks:
                desk.close()
            raise
        self.workers = Workers(self.desks, self.news.publish)
        for desk in self.desks:
            desk.drawing.listen(self._make_listener(desk))

    def start(self) -> None:
        """Begin to follow what is drawn."""
        self.workers.start(self._equip)

    def stop(self) -> None:
        """End all work; what was drawn is on the disk, and maps go on next time."""
        for job in self._jobs.values():
            job.cancel()
        self.workers.stop()
        for desk in self.desks:
            desk.close()

    def desk(self, number: int) -> Desk:
        """Of a scene.

        Raises:
            ConfigError: there is no such scene.
        """
        if not 0 <= number < len(self.desks):
            raise ConfigError(f"there is no scene {number}", f"there are {len(self.desks)}")
        return self.desks[number]

    def take_over(self, desk: Desk, path: Path, layer: str | None = None) -> Snapshot:
        """Add the examples of a file, of any kind that ``map --examples`` reads as vectors.

        Raises:
            ExamplesError: see ``read_annotations``.
        """
        if path.resolve() == desk.drawing.path.resolve():
            return desk.drawing.now
        grid = desk.reader.own_grid
        layer = layer or _find_image(path, desk.path)
        found = read_polygons(path, self.options.class_field, layer)
        placed = place_polygons(path, found, DrawnOn(desk.path, grid), Buffer())
        examples = [
            Example(uuid.uuid4().hex, name, shape, "import")
            for name, shapes in placed.polygons.items()
            for shape in shapes
        ]
        classes = [DrawnClass(name, colour) for name, colour in placed.colours.items()]
        return desk.drawing.add(examples, classes)

    def map_folder(self, desk: Desk) -> Path:
        """Where the map of a scene goes."""
        return desk.drawing.path.parent / f"{desk.path.stem}_map"

    def start_map(self, desk: Desk, threshold: float | None = None) -> JobReport:
        """Map a whole scene in the background, or go on with it if nothing changed.

        Raises:
            ConfigError: nothing was drawn, or the scene is being mapped.
            OutputError: the folder cannot be written.
        """
        running = self._jobs.get(desk.number)
        if running is not None and running.is_running:
            raise ConfigError(f"'{desk.name}' is being mapped", "", "wait, or cancel it first")
        teacher = self.workers.teacher_of(desk)
        if not list_taught_classes(teacher.drawing.now):
            raise ConfigError("nothing was drawn yet", "expected an example of a class", "draw one")
        request = self.make_request(desk, threshold)
        MapJob.prepare(teacher.drawing.path, request)
        return self._run(desk, request)

    def make_request(self, desk: Desk, threshold: float | None = None) -> JobRequest:
        """What maps a whole scene."""
        return JobRequest(
            str(desk.path),
            str(self.workers.teacher_of(desk).path),
            str(self.map_folder(desk)),
            threshold,
            self._tell_choice(),
        )

    def resume_map(self, desk: Desk) -> JobReport:
        """Go on with a map that was cancelled, or that an earlier server had begun.

        Raises:
            ConfigError: there is none, or it is running.
        """
        running = self._jobs.get(desk.number)
        if running is not None and running.is_running:
            raise ConfigError(f"'{desk.name}' is being mapped", "", "wait, or cancel it first")
        request = MapJob.find(self.map_folder(desk))
        if request is None:
            raise ConfigError("no map was begun", "", "start one")
        return self._run(desk, request)

    def cancel_map(self, desk: Desk) -> None:
        """End the mapping of a scene; what is finished stays for later."""
        job = self._jobs.get(desk.number)
        if job is not None:
            job.cancel()

    def report_map(self, desk: Desk) -> JobReport | None:
        """How far the map of a scene is, also of an earlier server; None if none was begun."""
        job = self._jobs.get(desk.number)
        if job is not None:
            return job.report
        folder = self.map_folder(desk)
        request = MapJob.find(folder)
        if request is None:
            return None
        files = list_results(folder)
        is_done = any(name.endswith("_classes.tif") for name in files)
        share = find_share(folder)
        if is_done and not share:
            return JobReport(desk.number, "done", 1.0, 0.0, str(folder), request.command, files)
        return JobReport(desk.number, "cancelled", share, 0.0, str(folder), request.command)

    def _run(self, desk: Desk, request: JobRequest) -> JobReport:
        job = MapJob(
            desk.number,
            request,
            lambda report: self.news.publish("job", **report.encode()),
            lambda report: write_report(desk, report, request),
        )
        self._jobs[desk.number] = job
        job.start()
        return job.report

    def _tell_choice(self) -> dict[str, str | float]:
        """How the scenes are read, as fields of a request."""
        choice, told = self.options.choice, dict[str, str | float]()
        if choice.bands is not None:
            told["bands"] = ",".join(map(str, choice.bands))
        if choice.scale.value != "auto":
            told["scale"] = choice.scale.value
        if choice.nodata is not None:
            told["nodata"] = choice.nodata
        if self.options.model != "ensemble":
            told["model"] = self.options.model
        return told

    def _equip(self) -> None:
        model = self._load()
        import_module("sklearn.ensemble")  # seconds that nobody should wait for after drawing
        for desk in self.desks:
            folder = None
            if self.options.cache is not None:
                folder = self.options.cache / self._name_cache(desk)
            desk.equip(model, folder)
        self.workers.model = model
        for desk in self.desks:
            self._reduce(desk)

    def _reduce(self, desk: Desk) -> None:
        """Reduced copies for a large scene that has none."""
        if self.options.cache is None or has_overviews(desk.tiles.source):
            return
        name = fingerprint_scene(desk.path)[:16]
        desk.tiles.use_overviews(
            build_overviews(desk.tiles.source, self.options.cache / f"reduced-{name}")
        )

    def _name_cache(self, desk: Desk) -> str:
        """Features depend on the scene, on how it is read, and on the model."""
        choice, model = desk.choice, self.options.model
        facts = model, choice.bands, choice.scale.value, choice.nodata, MARGIN, __version__
        digest = hashlib.sha256(repr(facts).encode()).hexdigest()
        return f"{fingerprint_scene(desk.path)[:16]}-{digest[:12]}"

    def _make_listener(self, desk: Desk) -> Callable[[Snapshot], None]:
        def listen(snapshot: Snapshot) -> None:
            self.news.publish("drawn", **desk.encode_state(snapshot))
            self.workers.wake()

        return listen


def _find_image(path: Path, scene: Path) -> str | None:
    """What an annotation tool calls the scene, in a file with several images."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    told = parse_annotation_json(path.read_bytes())
    names = [] if told is None else list_images(told)
    return scene.name if len(names) > 1 and scene.stem in map(_get_stem, names) else None


def _get_stem(name: str) -> str:
    return Path(name).stem


def find_cache() -> Path:
    """Where features are kept: in ``FEWSCAPE_CACHE``, or the user's folder for caches."""
    place = os.environ.get("FEWSCAPE_CACHE")
    if place is None:
        place = os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/fewscape"
    return Path(place).expanduser() / "annotate"


def _name_sessions(scenes: Sequence[Path], given: Path | None) -> list[Path]:
    """One GeoPackage for each scene, beside it."""
    if not scenes:
        raise ConfigError("no scene was given", "expected at least one raster", "name one")
    resolved = [scene.resolve() for scene in scenes]
    if len(set(resolved)) < len(resolved):
        raise ConfigError("a scene was given twice", "each is shown once", "name it once")
    if given is not None:
        if len(scenes) > 1:
            raise ConfigError(
                f"--session was given with {len(scenes)} scenes",
                "each scene has a file of its own",
                "leave --session out, or show one scene",
            )
        return [given]
    names = [scene.with_name(f"{scene.stem}.examples.gpkg") for scene in resolved]
    return [
        # Such as a.tif and a.jpg in one folder.
        name if names.count(name) == 1 else scene.with_name(f"{scene.name}.examples.gpkg")
        for scene, name in zip(resolved, names, strict=True)
    ]


def encode_job(report: JobReport | None) -> Mapping[str, Any] | None:
    """As plain data."""
    return None if report is None else report.encode()
