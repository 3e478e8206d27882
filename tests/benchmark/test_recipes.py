import pytest
import yaml

from fewscape.benchmark.published.recipes import (
    compose_recipe,
    overlay_recipes,
    read_recipe,
    write_recipe,
)
from fewscape.core import ConfigError


@pytest.fixture
def folder(tmp_path):
    files = {
        "isaid5i/common": {"model": {"lr": 1, "optimizer": "sgd"}},
        "networks/mgcl": {
            "model": {"model": {"class_path": "M", "init_args": {"b": {"name": "r"}}}}
        },
        "isaid5i/mgcl": {"model": {"lr": 2}},
        "isaid5i/special": {"model": {"lr": 3}},
        "backbones/vgg16": {"model": {"model": {"init_args": {"b": {"name": "v"}}}}},
    }
    for name, content in files.items():
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return tmp_path


def test_later_files_win(folder):
    model = compose_recipe(folder, "isaid5i", "mgcl@vgg16")["model"]
    assert model == {
        "lr": 2,
        "optimizer": "sgd",
        "model": {"class_path": "M", "init_args": {"b": {"name": "v"}}},
    }
    assert compose_recipe(folder, "isaid5i", "special")["model"]["lr"] == 3


def test_another_class_takes_none_of_the_old_arguments():
    first = {"model": {"class_path": "A", "init_args": {"x": 1}, "kept": 1}}
    second = {"model": {"class_path": "B", "init_args": {"y": 2}}}
    joined = overlay_recipes([first, second])
    assert joined == {"model": {"class_path": "B", "init_args": {"y": 2}, "kept": 1}}
    assert first["model"]["init_args"] == {"x": 1}


def test_what_is_absent_is_told_with_what_there_is(folder):
    with pytest.raises(ConfigError, match="no recipe 'mgc' for isaid5i; did you mean 'mgcl'"):
        compose_recipe(folder, "isaid5i", "mgc")
    with pytest.raises(ConfigError, match="backbone 'vgg'; did you mean 'vgg16'"):
        compose_recipe(folder, "isaid5i", "mgcl@vgg")
    with pytest.raises(ConfigError, match=r"no recipe '.*dlrsd5i.common.yaml'.*--recipes"):
        compose_recipe(folder, "dlrsd5i", "mgcl")


def test_written_recipes_are_read_back(tmp_path):
    recipe = {"model": {"lr": 1.0e-3}, "data": {"held_out": ["a b"]}}
    write_recipe(recipe, tmp_path / "new" / "recipe.yaml")
    assert read_recipe(tmp_path / "new" / "recipe.yaml") == recipe
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError, match="is not a mapping"):
        read_recipe(tmp_path / "list.yaml")
