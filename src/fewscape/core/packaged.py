"""Recipes and manifests that come with the package, found by name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fewscape.core.errors import ConfigError, FewscapeError, ManifestError, suggest

SUFFIXES = {"recipes": ".yaml", "manifests": ".json"}
"""Kinds of packaged files: folder in the package's assets, and how the files end."""

ERRORS: dict[str, type[FewscapeError]] = {"recipes": ConfigError, "manifests": ManifestError}


def packaged_folder(kind: str) -> Path:
    """The folder of the packaged files of a kind: ``recipes`` or ``manifests``."""
    return Path(str(resources.files("fewscape") / "assets" / kind))


def list_packaged(kind: str) -> list[str]:
    """Names of the packaged files of a kind, such as ``aerial4/mgcl``, sorted."""
    folder = packaged_folder(kind)
    paths = folder.rglob(f"*{SUFFIXES[kind]}")
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def find_packaged(kind: str, name: Path | str) -> Path:
    """The file of the user if there is one at this path, else the packaged one of this name.

    Args:
        kind: ``recipes`` or ``manifests``.
        name: a path, or a name of ``list_packaged`` with or without the suffix.

    Raises:
        ConfigError: there is no such recipe; lists the packaged names.
        ManifestError: there is no such manifest; likewise.
    """
    path = Path(name)
    if path.exists():
        return path
    suffix = SUFFIXES[kind]
    asked = path.as_posix().removesuffix(suffix)
    names = list_packaged(kind)
    if asked in names:
        return packaged_folder(kind) / f"{asked}{suffix}"
    thing = kind.removesuffix("s")
    raise ERRORS[kind](
        f"there is no {thing} '{name}'",
        f"expected a file, or the name of a packaged {thing}",
        suggest(asked, names),
    )
