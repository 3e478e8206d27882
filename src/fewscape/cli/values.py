"""Option types for argparse that several commands use."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any


def positive(text: str) -> int:
    """A whole number from 1.

    Raises:
        ArgumentTypeError: the text is not one.
    """
    if not _is_positive(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text)


def names(text: str) -> list[str]:
    """Names separated by commas; spaces around them are ignored.

    Raises:
        ArgumentTypeError: there is no name.
    """
    found = [name for part in text.split(",") if (name := part.strip())]
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of names such as building,car")
    return found


def bands(text: str) -> tuple[int, ...]:
    """Band numbers from 1, separated by commas; repeats are allowed.

    Raises:
        ArgumentTypeError: an item is not one.
    """
    return _read_numbers(text, 1, "bands such as 3,2,1, numbered from 1")


def band_names(text: str) -> tuple[int | str, ...]:
    """Band numbers from 1 or names, separated by commas; repeats are allowed.

    Raises:
        ArgumentTypeError: an item is empty, 0 or negative.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(_is_positive(part) or part.strip("-+.0123456789") for part in parts):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a list of bands such as 3,2,1, numbered from 1, or red,green,blue"
        )
    return tuple(int(part) if _is_positive(part) else part for part in parts)


def share(text: str) -> float:
    """A number from 0 to 1.

    Raises:
        ArgumentTypeError: the text is not one.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # also false of NaN
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to 1 such as 0.5")
    return value


def metres(text: str) -> float:
    """A length above 0.

    Raises:
        ArgumentTypeError: the text is not one.
    """
    try:
        length = float(text)
    except ValueError:
        length = 0.0
    if not 0 < length < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a length in metres such as 0.5")
    return length


def counts(text: str) -> tuple[int, ...]:
    """Whole numbers from 1, separated by commas.

    Raises:
        ArgumentTypeError: an item is not one.
    """
    return _read_numbers(text, 1, "numbers such as 1,5")


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers from 0, separated by commas.

    Raises:
        ArgumentTypeError: an item is not one.
    """
    return _read_numbers(text, 0, "numbers such as 0,1,2")


def shard(text: str) -> tuple[int, int]:
    """A shard such as 3/16; the first is 1.

    Raises:
        ArgumentTypeError: the text is not a shard, or its number is out of range.
    """
    index, _, count = text.partition("/")
    if not (_is_positive(index) and _is_positive(count) and int(index) <= int(count)):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a shard such as 3/16, from 1/16 to 16/16"
        )
    return int(index), int(count)


def num_bytes(text: str) -> int:
    """An amount of memory such as 2GB or 512MB, in bytes.

    Raises:
        ArgumentTypeError: the text is not one.
    """
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    number, unit = text[:-2], text[-2:].upper()
    try:
        found = round(float(number) * units[unit])
    except (KeyError, ValueError, OverflowError):
        found = 0
    if found <= 0:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not an amount of memory such as 2GB or 512MB"
        )
    return found


def scales(text: str) -> tuple[float, ...]:
    """Factors above 0, separated by commas.

    Raises:
        ArgumentTypeError: an item is not one.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < factor < 100 for factor in found):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of factors such as 0.75,1,1.25")
    return found


def _read_numbers(text: str, least: int, what: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= least for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of {what}")
    return tuple(map(int, parts))


def _is_positive(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


def refuse(arguments: argparse.Namespace, defaults: Mapping[str, Any], what: str, why: str) -> None:
    """Refuse options that would be silently ignored.

    Args:
        arguments: parsed arguments.
        defaults: options that do not apply here, with their defaults.
        what: what is wrong with a given option, for the message.
        why: what is expected instead.

    Raises:
        ConfigError: one of them was given.
    """
    from fewscape.core import ConfigError

    for name, default in defaults.items():
        if getattr(arguments, name) != default:
            raise ConfigError(f"--{name} {what}", why, f"leave out --{name}")
