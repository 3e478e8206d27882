"""The definition of a benchmark: the networks to train and test, and how."""

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
    """One training run with its tests."""

    model: str
    """Name of the recipe, see ``compose_recipe``."""
    fold: int
    seed: int

    @property
    def name(self) -> str:
        """Path of its folder within the benchmark's."""
        return f"{self.model}/fold{self.fold}/seed{self.seed}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The networks, folds and settings of a benchmark.

    Attributes:
        name: folder of the recipes, such as ``isaid5i``.
        protocol_name: see ``PROTOCOLS``.
        models: names of recipes.
        folds: folds to hold out in turn.
        num_seeds: training runs per network and fold, with seeds from 0.
        shots: numbers of supports in the test; a network is trained once for all of them.
        root: folder of the prepared data set.
        recipes: folder of the recipes.
        output: output folder.
        selection: ``heldout`` selects the best network on held-out training images of the training
            classes; ``paper`` selects on the test itself, as most papers do, which makes the score
            optimistic.
        limit: test episodes per class, for a trial; all if None.
        regions: cache folder for region maps.
        features: cache folder for the maps of frozen backbones, shared by all heads, folds and
            seeds; turns augmentation off, which would change every image.
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
        """The test protocol."""
        return find_protocol(self.protocol_name)

    def runs(self) -> list[Run]:
        """All runs; neighbours differ in network, so that shards cost about the same.

        A training-free network runs once per fold, since its seeds would be equal.
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
        """The recipe of a network, before the protocol's settings."""
        return compose_recipe(self.recipes, self.name, model)

    def manifest(self, fold: int, shots: int) -> Manifest:
        """The test episodes, written beside the results on first use."""
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
        """Folder of a run."""
        return self.output / run.name

    def counts_path(self, run: Run, shots: int) -> Path:
        """File of a run's test counts."""
        trial = "" if self.limit is None else f"-trial{self.limit}"
        return self.folder(run) / f"{shots}shot{trial}.safetensors"

    def is_finished(self, run: Run) -> bool:
        """Whether a run is trained and tested."""
        tests = all(self.counts_path(run, shots).is_file() for shots in self.shots)
        return tests and (self.folder(run) / TRAINED).is_file()

    def open_data(self) -> FolderDataset:
        """The prepared data set.

        Raises:
            DatasetError: it is absent; the message says what to download.
        """
        check_prepared(self.root, GUIDES[self.protocol.dataset])
        return FolderDataset(self.root / self.protocol.dataset, root=self.root)

    def check(self) -> None:
        """Check before any work that recipes, data and output match, and make the episodes.

        Raises:
            ConfigError: a fold is unknown, or a recipe is absent.
            DatasetError: the data set is absent, or has too few images of a class.
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
                    f"this run has {told[1]}",
                    "choose another --output",
                )
        self.output.mkdir(parents=True, exist_ok=True)
        write_bytes(path, (json.dumps(settings) + "\n").encode())
        for fold in self.folds:
            for shots in self.shots:
                self.manifest(fold, shots)


def _learns_nothing(recipe: Recipe) -> bool:
    return bool(recipe.get("trainer", {}).get("max_epochs") == 0)
