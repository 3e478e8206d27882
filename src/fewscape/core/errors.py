"""Errors that say what was wrong, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FewscapeError(ValueError):
    """An error that the caller can fix.

    The message is one sentence of three parts, of which the last two may be empty:
    ``problem; expected; remedy``. The parts are attributes, so that the command line and the web
    page can phrase them for their reader.
    """

    def __init__(self, problem: str, expected: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.expected = expected
        self.remedy = remedy
        super().__init__("; ".join(part for part in (problem, expected, remedy) if part))


class ShapeError(FewscapeError):
    """A tensor of the wrong shape."""


class DatasetError(FewscapeError):
    """Images, labels or class tables that do not fit together or are absent."""


class ManifestError(FewscapeError):
    """An episode manifest that cannot be read or does not match the data."""


class ExamplesError(FewscapeError):
    """Annotated examples that cannot be used."""


class SceneError(FewscapeError):
    """A raster that cannot be mapped."""


class OutputError(FewscapeError):
    """A result that cannot be written."""


class ResultsError(FewscapeError):
    """Stored results that are damaged, or were made with other settings."""


class WeightsError(FewscapeError):
    """Weights that are absent or do not fit the network."""


class ModelFolderError(FewscapeError):
    """A model folder that is incomplete or was modified."""


class TrainingError(FewscapeError):
    """A training run that failed."""


class ConfigError(FewscapeError):
    """A configuration with unknown or contradictory settings."""


class MissingPackageError(FewscapeError):
    """An optional package that is not installed."""


def suggest(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, then the whole list.

    Examples:
        >>> suggest("mcgl", ["mgcl", "prototype"])
        "did you mean 'mgcl'? Known: mgcl, prototype"
    """
    names = sorted(known)
    listing = "Known: " + ", ".join(names)
    nearest = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{nearest[0]}'? {listing}" if nearest else listing
