"""Validation of ``config.json`` and ``preprocess.json`` of a model folder.

Folders are untrusted. Commands rely on what is checked here; networks check their own arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

SHA256 = re.compile(r"[0-9a-f]{64}")

LARGEST = 16_384
"""Maximum of any number among a network's arguments; larger ones only fill the memory."""

LARGEST_WINDOW = 16_384
"""Side in pixels."""

MOST_CLASSES = 254

BACKBONE = ("name", "strides", "training_mode", "options", "taps")
"""Entries of a backbone; there is no ``weights``, since they are in the folder."""


def check_config(config: Mapping[str, Any]) -> None:
    """Check the entries of ``config.json`` and their types.

    Raises:
        ValueError: an entry is invalid; the message says which.
    """
    _expect(isinstance(config.get("model"), str), "'model' is not a name")
    digest = config.get("sha256")
    is_hash = isinstance(digest, str) and SHA256.fullmatch(digest) is not None
    _expect(is_hash, "'sha256' is not a hexadecimal SHA-256")
    arguments = config.get("arguments")
    _expect(isinstance(arguments, dict), "'arguments' is not an object")
    _check_plain(arguments, "arguments")
    _check_backbone(arguments.get("backbone") if isinstance(arguments, dict) else None)
    classes = config.get("classes", [])
    is_list = isinstance(classes, list) and all(isinstance(name, str) and name for name in classes)
    _expect(is_list, "'classes' is not a list of names")
    _expect(len(set(classes)) == len(classes), "'classes' has a duplicate")
    _expect(len(classes) <= MOST_CLASSES, f"'classes' are more than {MOST_CLASSES}")
    training = config.get("training", {})
    _expect(isinstance(training, dict), "'training' is not an object")
    _check_colours(training.get("colours"), len(classes))
    score = config.get("score")
    _expect(score is None or _is_number(score), "'score' is not a number")


def check_preprocess(preprocess: Mapping[str, Any]) -> None:
    """Check the entries of ``preprocess.json`` and their types.

    Raises:
        ValueError: see ``check_config``.
    """
    window = preprocess.get("window")
    is_size = isinstance(window, int) and not isinstance(window, bool)
    _expect(
        is_size and 1 <= window <= LARGEST_WINDOW,  # type: ignore[operator]
        f"'window' is not a number of pixels from 1 to {LARGEST_WINDOW}",
    )
    metres = preprocess.get("ground_resolution")
    _expect(
        metres is None or (_is_number(metres) and 0 < metres < 1e6),
        "'ground_resolution' is not a number of metres",
    )
    values = preprocess.get("values")
    _expect(values is None or isinstance(values, dict), "'values' is not an object")
    if values is not None:
        lists = [values.get(name) for name in ("low", "median", "high")]
        are_numbers = all(isinstance(own, list) and all(map(_is_number, own)) for own in lists)
        _expect(are_numbers, "'values' has no numbers 'low', 'median' and 'high'")
        _expect(len({len(own) for own in lists if own}) == 1, "'values' differ in length")


def _check_backbone(backbone: object) -> None:
    if backbone is None:
        return
    _expect(isinstance(backbone, dict), "'arguments.backbone' is not an object")
    assert isinstance(backbone, dict)
    unknown = sorted(set(backbone) - set(BACKBONE))
    _expect(not unknown, f"'arguments.backbone' has the unknown entry {unknown[:1]}")
    strides = backbone.get("strides")
    are_steps = isinstance(strides, list) and all(
        isinstance(step, int) and 1 <= step <= 256 for step in strides
    )
    _expect(are_steps and 1 <= len(strides or ()) <= 8, "'arguments.backbone.strides' are none")
    _expect(isinstance(backbone.get("options", {}), dict), "'arguments.backbone.options' is none")
    name = backbone.get("name")
    _expect(name is None or isinstance(name, str), "'arguments.backbone.name' is not a name")


def _check_colours(colours: object, count: int) -> None:
    if colours is None:
        return
    are_colours = isinstance(colours, list) and all(
        isinstance(own, list)
        and len(own) == 3
        and all(isinstance(part, int) and 0 <= part <= 255 for part in own)
        for own in colours
    )
    _expect(are_colours, "'training.colours' are not lists of red, green and blue")
    is_whole = isinstance(colours, list) and len(colours) in (0, count)
    _expect(is_whole, "'training.colours' differ in number from the classes")


def _check_plain(value: object, place: str, depth: int = 0) -> None:
    """Check numbers and nesting of a network's arguments."""
    _expect(depth < 8, f"'{place}' is nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(inner, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        _expect(len(value) <= LARGEST, f"'{place}' is too long")
        for inner in value:
            _check_plain(inner, place, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        is_usual = math.isfinite(value) and abs(value) <= LARGEST
        _expect(is_usual, f"'{place}' is {value}, more than any network has")


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]


def _expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ValueError(otherwise)
