"""The recipes of a benchmark, laid over each other as its command does it."""

import yaml

from tests.conftest import REPOSITORY

CONFIGS = REPOSITORY / "configs"
BENCHMARKS = ("dlrsd5i", "isaid5i")


def read(name):
    """A recipe, or None where there is none."""
    path = CONFIGS / f"{name}.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else None


def merge(lower, upper):
    """The upper laid over the lower, key by key; another class brings its own arguments."""
    if not isinstance(lower, dict) or not isinstance(upper, dict):
        return upper
    merged = {key: merge(lower.get(key), value) for key, value in upper.items()}
    if "class_path" in lower and lower["class_path"] != upper.get(
        "class_path", lower["class_path"]
    ):
        lower = {key: value for key, value in lower.items() if key != "init_args"}
        merged["init_args"] = upper.get("init_args", {})
    return lower | merged


def merge_recipe(benchmark, model, backbone=None):
    """What ``fewscape benchmark`` trains as ``model@backbone``, but for the protocol."""
    own = [read(f"networks/{model}"), read(f"{benchmark}/{model}")]
    assert any(own), f"there is no recipe of '{model}'"
    parts = [read(f"{benchmark}/common"), *own, read(f"backbones/{backbone}") if backbone else None]
    recipe = {}
    for part in parts:
        recipe = merge(recipe, part or {})
    return recipe


def stems(folder):
    """The names of a folder's recipes."""
    return sorted(path.stem for path in (CONFIGS / folder).glob("*.yaml"))


def list_models(benchmark):
    """What can be named in ``--models``."""
    return sorted({*stems("networks"), *stems(benchmark)} - {"common"})
