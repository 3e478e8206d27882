"""Recipes of a benchmark: files that override each other, then the protocol's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fewscape.core import ConfigError, suggest, write_bytes

Recipe = dict[str, Any]

COMMON = "common.yaml"
NETWORKS, BACKBONES = "networks", "backbones"
"""Folders that all benchmarks share."""


def compose_recipe(folder: Path, benchmark: str, model: str) -> Recipe:
    """Compose the recipe of a network on a benchmark.

    Four files, each overriding the previous ones: the benchmark (``isaid5i/common.yaml``), the
    network (``networks/mgcl.yaml``), the network on this benchmark (``isaid5i/mgcl.yaml``) and the
    backbone (``backbones/vgg16.yaml``).

    Args:
        folder: folder of the recipes.
        benchmark: subfolder of the benchmark.
        model: name of a network's files, optionally with a backbone: ``mgcl`` or ``mgcl@vgg16``.

    Raises:
        ConfigError: a file is absent or not YAML.
    """
    name, at, backbone = model.partition("@")
    own = folder / benchmark
    if not (own / COMMON).is_file():
        raise ConfigError(
            f"there is no recipe '{own / COMMON}'",
            "expected a folder laid out like the packaged recipes",
            "give another folder with --recipes DIR, or leave it out for the packaged recipes",
        )
    parts = [folder / NETWORKS / f"{name}.yaml", own / f"{name}.yaml"]
    present = [part for part in parts if part.is_file()]
    if not present:
        known = _list_names(folder / NETWORKS) | _list_names(own) - {"common"}
        raise ConfigError(f"there is no recipe '{name}' for {benchmark}", "", suggest(name, known))
    files = [own / COMMON, *present]
    if at:
        overlay = folder / BACKBONES / f"{backbone}.yaml"
        if not overlay.is_file():
            known = _list_names(folder / BACKBONES)
            raise ConfigError(
                f"there is no recipe of a backbone '{backbone}'", "", suggest(backbone, known)
            )
        files.append(overlay)
    return overlay_recipes([read_recipe(file) for file in files])


def overlay_recipes(recipes: Sequence[Mapping[str, Any]]) -> Recipe:
    """Merge recipes; later ones win.

    Mappings are merged key by key; if two have different classes, only the later one's arguments
    are kept.

    Examples:
        >>> overlay_recipes([{"model": {"lr": 1, "name": "a"}}, {"model": {"lr": 2}}])
        {'model': {'lr': 2, 'name': 'a'}}
    """
    joined: Recipe = {}
    for recipe in recipes:
        joined = _join(joined, recipe)
    return joined


def read_recipe(path: Path) -> Recipe:
    """A recipe's YAML as plain data.

    Raises:
        ConfigError: the file is absent or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the recipe '{path}' cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"the recipe '{path}' is not a mapping", "expected sections such as 'model:'"
        )
    return content


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe for ``fewscape fit --config``."""
    write_bytes(path, yaml.safe_dump(recipe, sort_keys=False).encode())


def _join(first: Mapping[str, Any], second: Mapping[str, Any]) -> Recipe:
    joined = dict(first)
    if second.get("class_path", first.get("class_path")) != first.get("class_path"):
        joined.pop("init_args", None)
    for key, value in second.items():
        old = joined.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        joined[key] = _join(old, value) if both else value  # type: ignore[arg-type]
    return joined


def _list_names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.yaml")}
