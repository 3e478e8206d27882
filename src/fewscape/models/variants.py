"""The named readings of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fewscape.core import ConfigError, suggest

Name = TypeVar("Name", bound=str)
Variant = TypeVar("Variant")


def choose_variant(variants: Mapping[Name, Variant], name: Name, network: str) -> Variant:
    """The variant of a name.

    Args:
        variants: those that there are.
        name: the one wanted.
        network: as people write it, for the message.

    Raises:
        ConfigError: there is none of this name; tells those that there are.
    """
    if name not in variants:
        raise ConfigError(f"{network} has no variant '{name}'", suggest(name, variants))
    return variants[name]
