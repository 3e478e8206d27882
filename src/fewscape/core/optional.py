"""Optional packages, imported where they are used."""

from __future__ import annotations

import importlib
from types import ModuleType

from fewscape.core.errors import MissingPackageError


def require(module: str, extra: str) -> ModuleType:
    """Import a module, or raise an error that names the extra to install.

    Args:
        module: import name, such as ``transformers``.
        extra: the extra of fewscape that includes it, such as ``sam``.

    Raises:
        MissingPackageError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"the package '{module}' is not installed",
            f"it is part of the extra '{extra}'",
            f"run: pip install 'fewscape[{extra}]'",
        ) from error
