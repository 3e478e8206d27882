"""A published benchmark: which networks are trained and tested, and how each of them is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fewscape.benchmark.published.recipes import Recipe, compose_recipe
from fewscape.core import ResultsError, write_bytes
from fewscape.datasets import FolderDataset, Manifest
from fewscape.datasets.protocol_episodes import make_protocol_manifest
from fewscape.datasets.protocols import Protocol, find_protocol, novel_classes
from fewscape.datasets.published import GUIDES, check_prepared

Selection = Literal["heldout", "paper"]
TRAINED, SETTINGS = "trained.json", "benchmark.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One training, and the tests of what it gave."""

    model: str
    """Name of the recipe, see ``compose_recipe``."""
    fold: int
    seed: int

    @property
    def name(self) -> str:
        """Path of its folder under the benchmark's."""
        return f"{self.model}/fold{self.fold}/seed{self.seed}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What is to be trained and tested.

    Attributes:
        name: folder of the recipes, such as ``isaid5i``.
        protocol_name: see ``PROTOCOLS``.
        models: names of recipes.
        folds: folds to hold out in turn.
        num_seeds: trainings of each network and fold, with the seeds from 0.
        shots: supports of the test episodes; a network is trained once for all of them.
        root: folder that holds the prepared data set.
        recipes: folder of the recipes.
        output: folder of all that is made.
        selection: ``heldout`` keeps the network that is best on training images that it has not
            seen, with the classes it was trained on; ``paper`` the one that is best in the test
            itself, as most papers do, which makes the score optimistic.
        limit: test episodes of each class, for a trial; all if None.
        regions: folder that keeps region maps.
        features: folder that keeps the maps of frozen backbones for all heads, folds and seeds;
            networks are then trained without augmentation, which would make every image another.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    name: str
    protocol_name: str
    models: tuple[str, ...]
    folds: tuple[int, ...]
    num_seeds: int
    shots: tuple[int, ...]
    root: Path
    recipes: Path
    output: Path
    selection: Selection = "heldout"
    limit: int | None = None
    regions: Path | None = None
    features: Path | None = None
    device: str = "auto"
    _manifests: dict[tuple[int, int], Manifest] = field(default_factory=dict, repr=False)

    @property
    def protocol(self) -> Protocol:
        """What is tested, on what."""
        return find_protocol(self.protocol_name)

    def runs(self) -> list[Run]:
        """Every training; neighbours differ in their network, so that shares are alike.

        A network with nothing to learn is run once a fold: its seeds would all be the same.
        """
        seeds = {
            model: 1 if _learns_nothing(self.compose(model)) else self.num_seeds
            for model in self.models
        }
        return [
            Run(model, fold, seed)
            for seed in range(self.num_seeds)
            for fold in self.folds
            for model in self.models
            if seed < seeds[model]
        ]

    def compose(self, model: str) -> Recipe:
        """The recipe of a network, without what the protocol says."""
        return compose_recipe(self.recipes, self.name, model)

    def manifest(self, fold: int, shots: int) -> Manifest:
        """The test episodes; written beside the results when they are first asked for."""
        key = fold, shots
        if key not in self._manifests:
            self._manifests[key] = self._load_manifest(fold, shots).select(limit=self.limit)
        return self._manifests[key]

    def _load_manifest(self, fold: int, shots: int) -> Manifest:
        path = self.manifest_path(fold, shots)
        if path.is_file():
            return Manifest.load(path)
        made = make_protocol_manifest(self.protocol_name, self.open_data(), fold, shots)
        made.save(path)
        return Manifest.load(path)

    def manifest_path(self, fold: int, shots: int) -> Path:
        """File of the test episodes."""
        return self.output / "episodes" / f"fold{fold}-{shots}shot.json"

    def folder(self, run: Run) -> Path:
        """Where a run keeps its files."""
        return self.output / run.name

    def counts_path(self, run: Run, shots: int) -> Path:
        """Counts of a run's test."""
        trial = "" if self.limit is None else f"-trial{self.limit}"
        return self.folder(run) / f"{shots}shot{trial}.safetensors"

    def is_finished(self, run: Run) -> bool:
        """Whether a run is trained and tested."""
        tests = all(self.counts_path(run, shots).is_file() for shots in self.shots)
        return tests and (self.folder(run) / TRAINED).is_file()

    def open_data(self) -> FolderDataset:
        """The prepared data set.

        Raises:
            DatasetError: it is absent; says what to download from where.
        """
        check_prepared(self.root, GUIDES[self.protocol.dataset])
        return FolderDataset(self.root / self.protocol.dataset, root=self.root)

    def check(self) -> None:
        """See before any work that recipes, data and output go together, and make the episodes.

        Raises:
            ConfigError: an unknown fold, or a recipe is absent.
            DatasetError: the data set is absent, or too few of its images show a class.
            ResultsError: the output holds results of another benchmark.
        """
        for model in self.models:
            self.compose(model)
        dataset = self.open_data()
        for fold in self.folds:
            novel_classes(self.protocol, fold, dataset)
        path = self.output / SETTINGS
        settings = {
            "protocol": self.protocol_name,
            "selection": self.selection,
            "augmentation": "as in the recipes" if self.features is None else "none",
        }
        if path.is_file():
            stored = json.loads(path.read_text("utf-8"))
            if stored != settings:
                told = [
                    ", ".join(f"{key} '{value}'" for key, value in each.items())
                    for each in (stored, settings)
                ]
                raise ResultsError(
                    f"'{self.output}' holds {told[0]}",
                    f"asked for is {told[1]}",
                    "choose another --output",
                )
        self.output.mkdir(parents=True, exist_ok=True)
        write_bytes(path, (json.dumps(settings) + "\n").encode())
        for fold in self.folds:
            for shots in self.shots:
                self.manifest(fold, shots)


def _learns_nothing(recipe: Recipe) -> bool:
    return bool(recipe.get("trainer", {}).get("max_epochs") == 0)
