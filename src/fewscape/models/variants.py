"""Named variants of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fewscape.core import ConfigError, suggest

Name = TypeVar("Name", bound=str)
Variant = TypeVar("Variant")


def choose_variant(variants: Mapping[Name, Variant], name: Name, network: str) -> Variant:
    """Choose a variant by name.

    Args:
        variants: the known variants.
        name: name of the variant.
        network: name of the network, for the message.

    Raises:
        ConfigError: the name is unknown; the message lists the known ones.
    """
    if name not in variants:
        raise ConfigError(f"{network} has no variant '{name}'", suggest(name, variants))
    return variants[name]
