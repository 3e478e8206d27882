"""Find packaged recipes and manifests by name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fewscape.core.errors import ConfigError, FewscapeError, ManifestError, suggest

SUFFIXES = {"recipes": ".yaml", "manifests": ".json"}
"""Folders in the package's assets, and the suffixes of their files."""

ERRORS: dict[str, type[FewscapeError]] = {"recipes": ConfigError, "manifests": ManifestError}


def packaged_folder(kind: str) -> Path:
    """The folder of packaged ``recipes`` or ``manifests``."""
    return Path(str(resources.files("fewscape") / "assets" / kind))


def list_packaged(kind: str) -> list[str]:
    """Sorted names of packaged files, such as ``aerial4/mgcl``."""
    folder = packaged_folder(kind)
    paths = folder.rglob(f"*{SUFFIXES[kind]}")
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def find_packaged(kind: str, name: Path | str) -> Path:
    """The file at this path, or the packaged file of this name.

    Args:
        kind: ``recipes`` or ``manifests``.
        name: a path, or a name of ``list_packaged`` with or without the suffix.

    Raises:
        ConfigError: the recipe does not exist; lists the packaged names.
        ManifestError: the manifest does not exist; likewise.
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
        f"expected a file or the name of a packaged {thing}",
        suggest(asked, names),
    )
