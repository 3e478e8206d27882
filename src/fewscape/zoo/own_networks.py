"""Networks of other packages, by class path or by an entry point ``fewscape.models``.

Both run code of that package. A class path is accepted only from the caller of ``find`` or
``load``, so from the user; model folders and tags of maps hold names, and only names of the tables
and of installed entry points become classes.
"""

from __future__ import annotations

import importlib
import re
from importlib.metadata import entry_points

from fewscape.core import ConfigError

GROUP = "fewscape.models"
"""Entry point group for network classes."""

CLASS_PATH = re.compile(
    r"(?P<module>[A-Za-z_]\w*(\.\w+)*):(?P<name>[A-Za-z_]\w*)(@(?P<folder>.+))?"
)
"""Form of ``mypackage.module:Class``, or ``mypackage.module:Class@runs/mine/best`` with a model
folder."""


def split_class_path(text: str) -> tuple[str, str | None] | None:
    """Split a class path and its model folder; None if the name is not a class path.

    Examples:
        >>> split_class_path("mine.network:Net@runs/best")
        ('mine.network:Net', 'runs/best')
        >>> split_class_path("ensemble") is None
        True
    """
    found = CLASS_PATH.fullmatch(text)
    return None if found is None else (f"{found['module']}:{found['name']}", found["folder"])


def import_class(path: str) -> type[object]:
    """Import a class such as ``mypackage.module:Class``; runs that module's code.

    Raises:
        ConfigError: the module or class does not exist.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the network '{path}' cannot be imported: {error}",
            "expected a class path such as mypackage.module:Class",
            "install its package, or set PYTHONPATH to the folder of its module",
        ) from error
    if not isinstance(found, type):
        raise ConfigError(
            f"'{path}' is not a class", "expected the class of a network", "check the name"
        )
    return found


def list_entry_points() -> list[str]:
    """List the networks of installed packages."""
    return sorted(entry_points(group=GROUP).names)


def load_entry_point(name: str) -> type[object] | None:
    """Load the class of an installed package by name, or None.

    Raises:
        ConfigError: the package is broken.
    """
    for entry in entry_points(group=GROUP, name=name):
        return import_class(f"{entry.module}:{entry.attr}")
    return None
