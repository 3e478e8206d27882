"""Print the page of all recipe keys, generated from signatures and docstrings.

    python scripts/recipe_keys.py

Keys, defaults and meanings come from the code that uses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import griffe

HEAD = """# Recipe keys

A recipe is YAML with the sections below; `fewscape fit --config RECIPE` trains it. Every key is
also an option: `--model.lr 0.001`, `--data.batch_size 4`. Several recipes are merged; later ones
override earlier ones. An unknown key is an error that suggests the nearest one. *required* marks
keys without a default.

`task` selects what to train: `few_shot` (the default), `semantic` or `dual_source`. Further
sections: `trainer`, whose keys are the arguments of Lightning's `Trainer`, such as `max_epochs`,
`accelerator`, `precision` and `default_root_dir` (the folder of the run); `seed_everything`;
`ckpt_path`, a checkpoint to resume from.
"""

SECTIONS = {
    "Saving: `save`": ("training.model_folders.SaveModelFolders",),
    "Optimisation: `model`, in every task": ("training.optimized.OptimizedModule",),
    "Task `few_shot`: `model`": ("training.few_shot.FewShotSegmentation",),
    "Task `few_shot`: `data`": (
        "training.episode_data.EpisodeData",
        "training.episode_sources.FolderSource",
        "training.episode_sources.SyntheticSource",
        "datasets.augment.Augment",
    ),
    "Few-shot networks: `model.model.init_args`": (
        "models.mgcl.network.MGCL",
        "models.hsnet.network.HSNet",
        "models.pfenet.network.PFENet",
        "models.icpd_net.network.ICPDNet",
        "models.dsmf_net.network.DSMFNet",
        "models.bicor_seg.few_shot.BiCoRFewShot",
        "models.prototype.network.Prototype",
        "models.discriminant.network.Discriminant",
        "models.density_ratio.network.DensityRatio",
        "backbones.config.BackboneConfig",
        "backbones.clip.ClipConfig",
    ),
    "Task `semantic`: `model`": (
        "training.semantic.SemanticSegmentation",
        "models.bicor_seg.network.BiCoRSeg",
    ),
    "Task `semantic`: `data`": (
        "training.semantic_data.SemanticData",
        "datasets.area_crops.CropOptions",
    ),
    "Task `dual_source`: `model`": (
        "training.dual_source.DualSourceSegmentation",
        "models.dual_source.config.DualSourceConfig",
    ),
    "Task `dual_source`: `data`": (
        "training.pair_data.PairData",
        "datasets.pan_ms.episodes.EpisodeOptions",
    ),
}
"""Classes whose arguments are the keys, by heading."""


def write_recipe_keys(source: Path) -> str:
    """Markdown with a table for each class.

    Args:
        source: folder of the package ``fewscape``.
    """
    package = griffe.load("fewscape", search_paths=[source], docstring_parser="google")
    parts = [HEAD]
    for heading, names in SECTIONS.items():
        parts.append(f"## {heading}\n")
        parts += [_write_class(package, name) for name in names]
    return "\n".join(parts)


def _write_class(package: griffe.Object, name: str) -> str:
    found = package[name]
    summary = found.docstring.value.split("\n\n")[0].replace("\n", " ") if found.docstring else ""
    rows = [
        f"| `{key}` | {kind} | {default} | {text} |" for key, kind, default, text in _rows(found)
    ]
    table = ["| key | type | default | meaning |", "|---|---|---|---|", *rows]
    title = f"### {found.name}\n\n`fewscape.{name}`: {_escape(summary)}\n"
    return "\n".join([title, *(table if rows else ["No keys."]), ""])


def _rows(found: griffe.Class) -> Iterator[tuple[str, str, str, str]]:
    told = _read_docstring(found)
    for parameter in found.parameters:
        if parameter.name == "self" or parameter.name.startswith("*"):
            continue
        if parameter.kind in (
            griffe.ParameterKind.var_positional,
            griffe.ParameterKind.var_keyword,
        ):
            continue
        kind = _escape(str(parameter.annotation or ""))
        default = "*required*" if parameter.default is None else f"`{_escape(_value(parameter))}`"
        yield parameter.name, f"`{kind}`", default, _escape(told.get(parameter.name, ""))


def _value(parameter: griffe.Parameter) -> str:
    text = str(parameter.default)
    return "" if text.startswith("field(") else text


def _read_docstring(found: griffe.Class) -> dict[str, str]:
    """The documentation of each argument or attribute."""
    told = {}
    for section in found.docstring.parse("google") if found.docstring else ():
        if section.kind in (
            griffe.DocstringSectionKind.parameters,
            griffe.DocstringSectionKind.attributes,
        ):
            told |= {each.name: each.description.replace("\n", " ") for each in section.value}
    for name, member in found.members.items():  # dataclasses: a docstring below the attribute
        if name not in told and not member.is_alias and member.is_attribute and member.docstring:
            told[name] = member.docstring.value.replace("\n", " ")
    return told


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    print(write_recipe_keys(Path(__file__).resolve().parents[1] / "src"))
