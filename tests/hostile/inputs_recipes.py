"""Recipes and checkpoints from anybody."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import torch

from tests.hostile.cases import Words, call, case
from tests.training.recipes import write_recipe

KIND = "recipes"


class Command:
    """What a pickle may hold: a call, made while it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder / "it_ran"),)


def ran_nothing(folder: Path) -> bool:
    return not (folder / "it_ran").exists()


def was_trained(folder: Path) -> bool:
    return ran_nothing(folder) and (folder / "run" / "best" / "model.safetensors").is_file()


def write_pickle(path: Path, folder: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {}, "loops": Command(folder)}, path)
    return path


def fit(folder: Path, *more: object, **changes: object) -> Words:
    recipe = write_recipe(folder, {key.replace("__", "."): value for key, value in changes.items()})
    return ("fit", "--config", recipe, *more)


@case(KIND, check=was_trained)
def a_good_recipe(folder: Path) -> Words:
    return fit(folder)


@case(KIND, refused="'weights_only' is False", check=ran_nothing)
def code_in_a_checkpoint_that_the_recipe_trusts(folder: Path) -> Words:
    checkpoint = write_pickle(folder / "last.ckpt", folder)
    return fit(folder, weights_only=False, ckpt_path=str(checkpoint))


@case(KIND, refused="last.ckpt' cannot be read as a checkpoint", check=ran_nothing)
def code_in_a_checkpoint(folder: Path) -> Words:
    return fit(folder, "--ckpt_path", write_pickle(folder / "last.ckpt", folder))


@case(KIND, refused="there is no checkpoint 'last'", check=ran_nothing)
def a_checkpoint_by_a_word(folder: Path) -> Words:
    write_pickle(folder / "run" / "checkpoints" / "last.ckpt", folder)
    return fit(folder, ckpt_path="last")


@case(KIND, refused="there is no checkpoint 'hpc'", check=ran_nothing)
def the_checkpoint_of_a_cluster_by_a_word(folder: Path) -> Words:
    write_pickle(folder / "run" / "hpc_ckpt_1.ckpt", folder)
    return fit(folder, ckpt_path="hpc")


@case(KIND, check=was_trained)
def what_a_cluster_left(folder: Path) -> Words:
    write_pickle(folder / "run" / "hpc_ckpt_1.ckpt", folder)
    return fit(folder)


@case(KIND, refused="there is no checkpoint 'http://127.0.0.1:9/last.ckpt'", check=ran_nothing)
def a_checkpoint_on_the_web(folder: Path) -> Words:
    return fit(folder, ckpt_path="http://127.0.0.1:9/last.ckpt")


def add_bytes(name: str, content: bytes) -> None:
    @case(KIND, refused="cannot be read as a checkpoint", name=name, check=ran_nothing)
    def broken(folder: Path) -> Words:
        (folder / "last.ckpt").write_bytes(content)
        return fit(folder, "--ckpt_path", folder / "last.ckpt")


add_bytes("an_empty_checkpoint", b"")
add_bytes("a_checkpoint_of_text", b"not a checkpoint")
add_bytes("a_checkpoint_that_begins_like_an_archive", b"PK\x03\x04" + bytes(100))
add_bytes("a_plain_pickle_as_a_checkpoint", pickle.dumps({"state_dict": {}}))


@case(KIND, refused="cannot be read as a checkpoint")
def a_checkpoint_cut_off(folder: Path) -> Words:
    call(fit(folder))
    path = folder / "run" / "checkpoints" / "last.ckpt"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return fit(folder, "--ckpt_path", path)


@case(KIND, refused="is not a training checkpoint: it has no 'pytorch-lightning")
def weights_as_a_checkpoint(folder: Path) -> Words:
    torch.save({"state_dict": {"a": torch.zeros(3)}}, folder / "last.ckpt")
    return fit(folder, "--ckpt_path", folder / "last.ckpt")


@case(KIND, refused="is of another network")
def the_checkpoint_of_another_network(folder: Path) -> Words:
    call(fit(folder))
    path = folder / "run" / "checkpoints" / "last.ckpt"
    changes = {"model__model__class_path": "fewscape.models.PFENet"}
    return fit(folder, "--ckpt_path", path, **changes)


def add_recipe(name: str, text: str | bytes, refused: str) -> None:
    @case(KIND, refused=refused, name=name, check=ran_nothing)
    def odd(folder: Path) -> Words:
        write_recipe(folder)
        content = text if isinstance(text, bytes) else text.replace("PLACE", str(folder)).encode()
        (folder / "odd.yaml").write_bytes(content)
        return ("fit", "--config", folder / "recipe.yaml", "--config", folder / "odd.yaml")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
add_recipe("code_in_yaml", '!!python/object/apply:os.mkdir ["PLACE/it_ran"]', "is not YAML")
add_recipe("yaml_cut_off", "model: {lr: [", "is not YAML")
add_recipe("yaml_nested_too_deeply", "[" * 5000, "nested too deeply")
add_recipe("yaml_that_unfolds", BOMB, "expands to more than")
add_recipe("yaml_that_holds_itself", "data: &a {seed: *a}", "holds itself")
add_recipe("a_recipe_that_is_a_list", "[1, 2]", "is not a table of keys")
add_recipe("a_recipe_that_is_a_word", "fast", "is not a table of keys")
add_recipe("a_recipe_of_bytes", bytes(range(256)), "is not YAML")
add_recipe("a_number_as_a_section", "model: 3", "cannot be used")
add_recipe("a_class_that_is_no_network", "model: {model: {class_path: os.mkdir}}", "cannot be used")


@case(KIND, check=was_trained)
def a_recipe_that_begins_with_a_mark(folder: Path) -> Words:
    path = write_recipe(folder)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    return ("fit", "--config", path)


@case(KIND, refused="Path is not a file")
def a_recipe_that_is_a_folder(folder: Path) -> Words:
    write_recipe(folder)
    return ("fit", "--config", folder)


@case(KIND, refused="data.batch_size is -3; expected a number from 1")
def a_recipe_with_a_negative_batch(folder: Path) -> Words:
    return fit(folder, data__batch_size=-3)


@case(KIND, refused="data.image_size is 0; expected a number from 1")
def a_recipe_with_a_window_of_nothing(folder: Path) -> Words:
    return fit(folder, data__image_size=0)


@case(KIND, refused="data.windows is -64; expected a number from 1")
def a_recipe_with_a_negative_window(folder: Path) -> Words:
    return fit(folder, data__windows=[-64])


@case(KIND, refused="the trainer cannot be set up: ")
def a_recipe_with_negative_epochs(folder: Path) -> Words:
    return fit(folder, trainer__max_epochs=-5)


@case(KIND, refused="the trainer cannot be set up: ")
def a_recipe_for_devices_that_are_none(folder: Path) -> Words:
    return fit(folder, trainer__devices=-3)


@case(KIND, refused="has settings of its own", check=ran_nothing)
def a_checkpoint_that_names_a_network(folder: Path) -> Words:
    call(fit(folder))
    path = folder / "run" / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    torch.save(content | {"hyper_parameters": {"_class_path": "os.mkdir"}}, path)
    return fit(folder, "--ckpt_path", path)
