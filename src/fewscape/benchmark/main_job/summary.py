"""From the scores of single scenes to means, intervals and paired tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.benchmark.main_job.simulated_user import FORMS
from fewscape.benchmark.main_job.tasks import SHARES, TASKS
from fewscape.evaluation.paired import adjust_holm

RESAMPLES = 2000
"""Of the scenes, for intervals."""

FLIPS = 10_000
"""Of the signs of differences, for p values."""

YARDSTICKS = ("maximum_likelihood", "random_forest", "pixel_trees")
"""What every user of a GIS already has; others are compared with the best of them."""

Record = Mapping[str, Any]
Floats = npt.NDArray[np.float64]
Scores = dict[tuple[str, str], float]
"""By data set and scene."""


def summarise(
    records: Iterable[Record], yardsticks: Sequence[str] = YARDSTICKS
) -> list[dict[str, Any]]:
    """All models side by side, for every task, form and number of polygons.

    A mean is that of the means of the data sets. A model is complete where it has a score of every
    scene that any model has; only complete ones can be the best yardstick if there are any.

    Args:
        records: of ``MainJob.run``.
        yardsticks: names of models; the best of them is what the others are tested against, and
            without any of them the first model is.

    Returns:
        For each cell ``task``, ``form``, ``polygons``, ``is_share`` (less is better),
        ``yardstick``; ``models``: by name ``mean``, ``ci95`` (scenes drawn anew within their
        sets), ``scenes``, ``is_complete``, ``failures`` and ``seconds_per_map``; ``tests``: by
        name of every other model ``difference`` to the yardstick on the scenes of both,
        ``ci95``, ``p`` (signs flipped by chance), ``p_holm`` (for all models of the cell),
        ``wins``, ``losses`` and ``sets``, the difference in each; ``sets``: by data set the
        means of the models.
    """
    cells: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in records:
        cells[record["task"], record["form"], record["polygons"]].append(record)
    tasks, forms = list(TASKS), list(FORMS)
    order = sorted(cells, key=lambda key: (tasks.index(key[0]), forms.index(key[1]), key[2]))
    summaries = (_summarise(key, cells[key], yardsticks) for key in order)
    return [cell for cell in summaries if cell["models"]]


def _summarise(
    key: tuple[str, str, int], records: Sequence[Record], yardsticks: Sequence[str]
) -> dict[str, Any]:
    task, form, polygons = key
    scores: dict[str, Scores] = {}
    for record in records:
        if record["score"] is not None:
            place = (record["dataset"], record["scene"])
            scores.setdefault(record["model"], {})[place] = record["score"]
    places = set().union(*scores.values())
    models = {
        name: _describe(own, len(places), [each for each in records if each["model"] == name])
        for name, own in scores.items()
    }
    is_share = task in SHARES
    yardstick = _choose(models, yardsticks, is_share)
    return {
        "task": task,
        "form": form,
        "polygons": polygons,
        "is_share": is_share,
        "yardstick": yardstick,
        "models": models,
        "tests": _test_all(scores, yardstick, is_share),
        "sets": {
            dataset: {
                name: float(np.mean(values))
                for name, own in scores.items()
                if (values := [value for place, value in own.items() if place[0] == dataset])
            }
            for dataset in sorted({place[0] for place in places})
        },
    }


def _describe(scores: Scores, num_places: int, records: Sequence[Record]) -> dict[str, Any]:
    groups = _group(scores)
    maps = sum(record["maps"] for record in records)
    return {
        "mean": mean_of_sets(groups),
        "ci95": _interval(groups),
        "scenes": len(scores),
        "is_complete": len(scores) == num_places,
        "failures": sum(len(record["failures"]) for record in records),
        "seconds_per_map": sum(record["seconds"] for record in records) / max(1, maps),
    }


def _choose(
    models: Mapping[str, Mapping[str, Any]], yardsticks: Sequence[str], is_share: bool
) -> str | None:
    known = [name for name in yardsticks if name in models]
    known = [name for name in known if models[name]["is_complete"]] or known
    if not known:
        return next(iter(models), None)
    best = min if is_share else max
    return best(known, key=lambda name: models[name]["mean"])


def _test_all(
    scores: Mapping[str, Scores], yardstick: str | None, is_share: bool
) -> dict[str, dict[str, Any]]:
    tests = {}
    for name, own in scores.items():
        if yardstick is None or name == yardstick:
            continue
        other = scores[yardstick]
        differences = {place: own[place] - other[place] for place in own if place in other}
        if differences:
            tests[name] = _test(differences, is_share)
    adjusted = adjust_holm([test["p"] for test in tests.values()]) if tests else []
    for test, value in zip(tests.values(), adjusted, strict=True):
        test["p_holm"] = value
    return tests


def _test(differences: Scores, is_share: bool) -> dict[str, Any]:
    groups = _group(differences)
    values = np.array(list(differences.values())) * (-1 if is_share else 1)
    return {
        "difference": mean_of_sets(groups),
        "ci95": _interval(groups),
        "p": flip_signs(list(groups.values())),
        "wins": int((values > 0).sum()),
        "losses": int((values < 0).sum()),
        "sets": {name: float(own.mean()) for name, own in groups.items()},
    }


def _group(scores: Scores) -> dict[str, Floats]:
    """The values of each data set, in a fixed order."""
    groups: dict[str, list[float]] = defaultdict(list)
    for (dataset, _), value in sorted(scores.items()):
        groups[dataset].append(value)
    return {name: np.array(values, np.float64) for name, values in groups.items()}


def mean_of_sets(groups: Mapping[str, Floats]) -> float:
    """The mean of the means."""
    return float(np.mean([values.mean() for values in groups.values()]))


def _interval(groups: Mapping[str, Floats]) -> list[float] | None:
    """95 % interval of ``mean_of_sets``; None where no set has two scenes."""
    if max(map(len, groups.values())) < 2:
        return None
    rng = np.random.default_rng(0)
    drawn = [
        values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
        for values in groups.values()
    ]
    low, high = np.quantile(np.mean(drawn, axis=0), [0.025, 0.975]).tolist()
    return [low, high]


def flip_signs(groups: Sequence[Floats], flips: int = FLIPS) -> float:
    """P value of a mean of means of paired differences: how often chance signs give as much.

    Args:
        groups: the differences of each data set.
        flips: random choices of all signs.

    Examples:
        >>> flip_signs([np.zeros(5)])
        1.0
    """
    weights = np.concatenate([np.full(len(own), 1 / len(own)) for own in groups]) / len(groups)
    weighted = np.concatenate(list(groups)) * weights
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(flips, len(weighted)))
    limit = abs(weighted.sum()) * (1 - 1e-9)  # sums of the same numbers differ by rounding
    return float((1 + (np.abs(signs @ weighted) >= limit).sum()) / (1 + flips))
