"""The estimated accuracy as text: for the terminal, tags and preview."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fewscape.mapping.engine.own_accuracy import OwnAccuracy, Score

HEADINGS = ("class", "polygons", "pixels", "expected IoU, % (95 %)")

MORE = 2
"""Number of polygons to add to a class that is confused."""

GOOD_ENOUGH = 0.9
"""Expected IoU above which no more polygons are suggested."""

DIGITS = 3
"""Digits of the numbers in the tag."""


def list_accuracy(own: OwnAccuracy) -> list[str]:
    """Aligned lines: class, polygons, pixels, expected IoU with its interval."""
    rows = [
        HEADINGS,
        *(
            (told.name, str(told.num_polygons), f"{told.num_pixels:,}", _show(told.iou))
            for told in own.classes
        ),
    ]
    if len(own.classes) > 1:
        rows.append(("mean", "", "", _show(own.mean_iou)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{name:<{widths[0]}}  {count:>{widths[1]}}  {pixels:>{widths[2]}}  {score}"
        for name, count, pixels, score in rows
    ]


def advise(own: OwnAccuracy) -> str:
    """What to draw next, as a sentence; empty if all is well."""
    told = {each.name: each for each in own.classes}
    parts = []
    if len(told) > 1:
        lone = [f"'{name}'" for name, each in told.items() if each.num_polygons == 1]
        if lone:
            whose = "its accuracy" if len(lone) == 1 else "their accuracies"
            parts.append(
                f"draw at least one more polygon of {_join(lone)} so that {whose} can be estimated"
            )
    if own.confused is not None:
        worse, other = sorted(own.confused, key=lambda name: _rank(told[name].iou))
        if _rank(told[worse].iou) < GOOD_ENOUGH:
            parts.append(f"draw {MORE} more polygons of '{worse}': it is confused with '{other}'")
    return "; ".join(parts)


def describe_lone_class(own: OwnAccuracy) -> str:
    """How a single class was learned with nothing else drawn; empty if more was drawn."""
    if len(own.classes) > 1:
        return ""
    return (
        f"only '{own.classes[0].name}' was drawn, so unlabelled ground is unknown and the map "
        "shows what resembles the examples and differs from most of the scene "
        "(positive-unlabelled learning); draw some 'background' polygons for a better map"
    )


def encode_accuracy(own: OwnAccuracy) -> str:
    """The tag ``EXPECTED_IOU``: value, lower and upper bound per class, null if unknown."""
    content = {
        "classes": {told.name: _list(told.iou) for told in own.classes},
        "mean": _list(own.mean_iou),
        "polygons": {told.name: told.num_polygons for told in own.classes},
        "temperature": own.temperature,
    }
    return json.dumps(content, ensure_ascii=False)


def note_accuracy(own: OwnAccuracy, scene_name: str) -> tuple[str, ...]:
    """Lines for the preview, empty without an estimate; the scene is that of the examples."""
    if own.mean_iou is None:
        return ()
    classes = ", ".join(f"{told.name} {_show(told.iou)}" for told in own.classes)
    mean = _show(own.mean_iou)
    return (
        f"expected IoU on '{scene_name}', estimated from the examples, % (95 %): mean {mean}; "
        f"{classes}",
    )


def _show(score: Score | None) -> str:
    if score is None:
        return "-"
    return f"{100 * score.value:.0f} ({100 * score.low:.0f} to {100 * score.high:.0f})"


def _list(score: Score | None) -> list[float] | None:
    if score is None:
        return None
    return [round(number, DIGITS) for number in (score.value, score.low, score.high)]


def _rank(score: Score | None) -> float:
    """Sort unknown values last."""
    return 1.0 if score is None else score.value


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
