"""Model folders of anybody: what they say is checked before anything is built from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from fewscape.backbones import BackboneConfig
from fewscape.core import hash_file
from fewscape.models import BiCoRSeg, Prototype, save_model
from fewscape.zoo import embedded_folder
from tests.hostile.cases import Words, case
from tests.hostile.invented import write_scene, write_vectors

KIND = "model folders"


def write_model(folder: Path) -> Path:
    return save_model(Prototype(BackboneConfig("test_resnet")), folder / "model", "card")


def map_with(folder: Path, model: Path) -> Words:
    scene, examples = write_scene(folder / "s.tif"), write_vectors(folder / "e.gpkg")
    output = folder / "out"
    return (
        "map",
        scene,
        "--examples",
        examples,
        "--output",
        output,
        "--model",
        model,
        "--window",
        "64",
        "--no_preview",
    )


def edit(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Words:
    model = write_model(folder)
    content = json.loads((model / name).read_text())
    change(content)
    (model / name).write_text(json.dumps(content))
    return map_with(folder, model)


def edit_backbone(folder: Path, **changes: Any) -> Words:
    return edit(folder, "config.json", lambda c: c["arguments"]["backbone"].update(changes))


def edit_weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> Words:
    model = write_model(folder)
    state = load_file(model / "model.safetensors")
    change(state)
    save_file(state, model / "model.safetensors")
    config = json.loads((model / "config.json").read_text())
    config["sha256"] = hash_file(model / "model.safetensors")
    (model / "config.json").write_text(json.dumps(config))
    return map_with(folder, model)


@case(KIND, refused="given the option 'checkpoint_path', which is not allowed")
def a_file_to_load(folder: Path) -> Words:
    return edit_backbone(folder, options={"checkpoint_path": "/etc/passwd"})


@case(KIND, refused="given the option 'pretrained_cfg_overlay', which is not allowed")
def a_file_to_load_by_another_option(folder: Path) -> Words:
    return edit_backbone(folder, options={"pretrained_cfg_overlay": {"file": "/etc/passwd"}})


@case(KIND, refused="has the unknown entry ['weights']")
def weights_from_elsewhere(folder: Path) -> Words:
    return edit_backbone(folder, weights="/etc/passwd")


@case(KIND, refused="'hf-hub:someone/net' is not a name of a backbone")
def a_name_of_the_hub(folder: Path) -> Words:
    return edit_backbone(folder, name="hf-hub:someone/net")


@case(KIND, refused="is not a name of a backbone")
def a_name_of_a_local_folder(folder: Path) -> Words:
    return edit_backbone(folder, name="local-dir:/tmp/net")


@case(KIND, refused="three numbers above 0")
def a_deviation_of_0(folder: Path) -> Words:
    return edit_backbone(folder, options={"std": [0, 0, 0], "mean": [0, 0, 0]})


@case(KIND, refused="it holds Infinity, which is not a number")
def a_mean_without_end(folder: Path) -> Words:
    return edit_backbone(folder, options={"mean": [1e999, 0, 0]})


@case(KIND, refused="more than any network has")
def a_network_larger_than_the_memory(folder: Path) -> Words:
    return edit_backbone(folder, options={"channels": [10**9]})


@case(KIND, refused="'arguments.backbone.strides' are none")
def strides_that_are_words(folder: Path) -> Words:
    return edit_backbone(folder, strides="all")


@case(KIND, refused="does not describe a 'prototype'")
def another_argument(folder: Path) -> Words:
    return edit(folder, "config.json", lambda c: c["arguments"].update(magic=[[]]))


@case(KIND, refused="'arguments' is not an object")
def arguments_that_are_a_list(folder: Path) -> Words:
    return edit(folder, "config.json", lambda c: c.update(arguments=[]))


@case(KIND, refused="their SHA-256 differs")
def a_hash_that_is_none(folder: Path) -> Words:
    return edit(folder, "config.json", lambda c: c.update(sha256=3))


@case(KIND, refused="the folder holds a '../x'")
def a_model_that_is_a_path(folder: Path) -> Words:
    return edit(folder, "config.json", lambda c: c.update(model="../x"))


@case(KIND, refused="'window' is not a number of pixels")
def a_window_that_is_a_word(folder: Path) -> Words:
    return edit(folder, "preprocess.json", lambda c: c.update(window="wide"))


@case(KIND, refused="'window' is not a number of pixels")
def a_window_below_0(folder: Path) -> Words:
    return edit(folder, "preprocess.json", lambda c: c.update(window=-64))


@case(KIND, refused="'ground_resolution' is not a number of metres")
def a_resolution_that_is_a_list(folder: Path) -> Words:
    return edit(folder, "preprocess.json", lambda c: c.update(ground_resolution=[0.5]))


@case(KIND, refused="'values' has no numbers")
def values_without_numbers(folder: Path) -> Words:
    return edit(folder, "preprocess.json", lambda c: c.update(values={"low": ["a"]}))


@case(KIND, refused="holds no JSON object")
def a_list_for_an_object(folder: Path) -> Words:
    model = write_model(folder)
    (model / "preprocess.json").write_text("[]")
    return map_with(folder, model)


@case(KIND, refused="nested too deeply")
def json_without_bottom(folder: Path) -> Words:
    model = write_model(folder)
    (model / "config.json").write_text('{"a":' + "[" * 200_000 + "]" * 200_000 + "}")
    return map_with(folder, model)


@case(KIND, refused="it holds NaN, which is not a number")
def json_with_nan(folder: Path) -> Words:
    model = write_model(folder)
    (model / "preprocess.json").write_text('{"window": NaN}')
    return map_with(folder, model)


@case(KIND, refused="it is not UTF-8")
def json_in_another_encoding(folder: Path) -> Words:
    model = write_model(folder)
    (model / "config.json").write_bytes('{"é": 1}'.encode("latin-1"))
    return map_with(folder, model)


@case(KIND, refused="more than the 4 MB")
def json_of_many_megabytes(folder: Path) -> Words:
    model = write_model(folder)
    (model / "config.json").write_text('{"a": "' + "x" * (5 << 20) + '"}')
    return map_with(folder, model)


@case(KIND, refused="NaN or infinity is in")
def weights_that_are_no_numbers(folder: Path) -> Words:
    def spoil(state: dict[str, Any]) -> None:
        next(value for value in state.values() if value.is_floating_point()).fill_(float("nan"))

    return edit_weights(folder, spoil)


@case(KIND, refused="outputs NaN for windows")
def weights_that_overflow(folder: Path) -> Words:
    def spoil(state: dict[str, Any]) -> None:
        for name, value in state.items():
            if value.is_floating_point() and "running" not in name:
                value.fill_(3e38)

    return edit_weights(folder, spoil)


@case(KIND, refused="missing: ")
def weights_of_another_network(folder: Path) -> Words:
    return edit_weights(folder, lambda state: state.pop(sorted(state)[0]))


@case(KIND, refused="holds no weights")
def weights_that_are_text(folder: Path) -> Words:
    model = write_model(folder)
    (model / "model.safetensors").write_text("not at all")
    config = json.loads((model / "config.json").read_text())
    config["sha256"] = hash_file(model / "model.safetensors")
    (model / "config.json").write_text(json.dumps(config))
    return map_with(folder, model)


def write_semantic(folder: Path, **changes: Any) -> Words:
    network = BiCoRSeg(2, backbone=BackboneConfig("test_convnext"), width=16)
    facts = {"classes": ["ground", "roof"]} | changes
    model = save_model(network, folder / "model", "card", 64, facts=facts)
    words = ("map", write_scene(folder / "s.tif"), "--output", folder / "out", "--model", model)
    return (*words, "--no_preview")


@case(KIND, refused="'classes' is not a list of names")
def classes_that_are_numbers(folder: Path) -> Words:
    return write_semantic(folder, classes=[1, 2])


@case(KIND, refused="'classes' has a duplicate")
def classes_of_one_name(folder: Path) -> Words:
    return write_semantic(folder, classes=["roof", "roof"])


@case(KIND, refused="'training.colours' are not lists")
def colours_that_are_words(folder: Path) -> Words:
    return write_semantic(folder, training={"colours": ["red", "blue"]})


@case(KIND, refused="'training.colours' differ in number")
def a_colour_too_few(folder: Path) -> Words:
    return write_semantic(folder, training={"colours": [[1, 2, 3]]})


@case(KIND, refused="'training' is not an object")
def a_training_that_is_text(folder: Path) -> Words:
    return write_semantic(folder, training="long")


@case(KIND, check=lambda folder: (folder / "out" / "s_classes.tif").is_file())
def a_folder_that_was_being_replaced(folder: Path) -> Words:
    shutil.copytree(embedded_folder(), folder / ".model.replaced")
    return map_with(folder, folder / "model")
