"""Networks that other packages bring: by class path, or by an entry point ``fewscape.models``.

Both run code of that package. A class path is taken only from whoever calls ``find`` or ``load``,
so from what a user typed; what stands in a model folder or in the tags of a map is a name, and
only names of the tables and of installed entry points become classes.
"""

from __future__ import annotations

import importlib
import re
from importlib.metadata import entry_points

from fewscape.core import ConfigError

GROUP = "fewscape.models"
"""Entry points of installed packages that name a network's class."""

CLASS_PATH = re.compile(
    r"(?P<module>[A-Za-z_]\w*(\.\w+)*):(?P<name>[A-Za-z_]\w*)(@(?P<folder>.+))?"
)
"""Such as ``mypackage.module:Class``, or ``mypackage.module:Class@runs/mine/best`` for the folder
of a trained one."""


def split_class_path(text: str) -> tuple[str, str | None] | None:
    """Class path and model folder, or None where a name is no class path.

    Examples:
        >>> split_class_path("mine.network:Net@runs/best")
        ('mine.network:Net', 'runs/best')
        >>> split_class_path("ensemble") is None
        True
    """
    found = CLASS_PATH.fullmatch(text)
    return None if found is None else (f"{found['module']}:{found['name']}", found["folder"])


def import_class(path: str) -> type[object]:
    """The class of a path such as ``mypackage.module:Class``; runs that module's code.

    Raises:
        ConfigError: there is no such module or class.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the network '{path}' cannot be imported: {error}",
            "expected the path of a class, such as mypackage.module:Class",
            "install its package, or run with PYTHONPATH set to the folder of its module",
        ) from error
    if not isinstance(found, type):
        raise ConfigError(
            f"'{path}' is no class", "expected the class of a network", "check the name"
        )
    return found


def list_entry_points() -> list[str]:
    """Names of the networks that installed packages bring."""
    return sorted(entry_points(group=GROUP).names)


def load_entry_point(name: str) -> type[object] | None:
    """The class that an installed package brings under a name, or None.

    Raises:
        ConfigError: the package is broken.
    """
    for entry in entry_points(group=GROUP, name=name):
        return import_class(f"{entry.module}:{entry.attr}")
    return None
