"""Class folds: the classes for training and for testing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fewscape.core import ConfigError, ManifestError
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.manifest import ClassKey, Manifest


@dataclass(frozen=True, slots=True)
class ClassFolds:
    """Concepts held out together, whatever their names in each data set.

    A class without a concept is neither trained nor tested; its pixels are background for the
    others.
    """

    folds: tuple[frozenset[str], ...]
    """Concepts of each fold."""
    concepts: Mapping[str, str]
    """Concept by class name, such as ``flood water`` to ``water``."""

    def novel(self, fold: int, datasets: Sequence[LabelledImages]) -> tuple[ClassKey, ...]:
        """Classes of the fold: hidden in training and tested.

        Raises:
            ConfigError: there is no such fold.
        """
        held_out = self._concepts_of(fold)
        return tuple(key for key, concept in self._keys(datasets) if concept in held_out)

    def base(self, fold: int, datasets: Sequence[LabelledImages]) -> tuple[ClassKey, ...]:
        """Classes of the other folds, used for training.

        Raises:
            ConfigError: there is no such fold.
        """
        held_out = self._concepts_of(fold)
        others = frozenset().union(*self.folds) - held_out
        return tuple(key for key, concept in self._keys(datasets) if concept in others)

    def names(self, fold: int) -> tuple[str, ...]:
        """Names of the fold's classes, for ``Manifest.select``."""
        held_out = self._concepts_of(fold)
        return tuple(name for name, concept in self.concepts.items() if concept in held_out)

    def split(self, manifest: Manifest) -> dict[int, Manifest]:
        """The episodes of each fold's classes; folds without any are skipped.

        Raises:
            ManifestError: no class of the manifest is in any fold.
        """
        present = set(manifest.classes.values())
        tested = {fold: present.intersection(self.names(fold)) for fold in range(len(self.folds))}
        parts = {fold: manifest.select(names) for fold, names in tested.items() if names}
        if not parts:
            raise ManifestError(
                f"none of the manifest's classes ({', '.join(sorted(present))}) is in any fold",
                f"the folds have {', '.join(self.concepts)}",
                "leave out --folds, or use the manifest of these folds",
            )
        return parts

    def _concepts_of(self, fold: int) -> frozenset[str]:
        if not 0 <= fold < len(self.folds):
            raise ConfigError(
                f"there is no fold {fold}", f"expected 0 to {len(self.folds) - 1}", ""
            )
        return self.folds[fold]

    def _keys(self, datasets: Sequence[LabelledImages]) -> list[tuple[ClassKey, str | None]]:
        return [
            ((dataset.name, class_id), self.concepts.get(name))
            for dataset in datasets
            for class_id, name in dataset.classes.items()
        ]
