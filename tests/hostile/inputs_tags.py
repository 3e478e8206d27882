"""Maps whose tags were altered, given to ``fewscape reproduce``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import rasterio

from tests.hostile.cases import Words, call, case, map_words
from tests.hostile.invented import write_scene, write_vectors

KIND = "tags"


def alter(folder: Path, parameters: dict[str, Any] | None = None, **tags: str) -> Path:
    """A map, with other entries in its tags."""
    scene, examples = write_scene(folder / "s.tif"), write_vectors(folder / "e.gpkg")
    code, text = call(map_words(folder, scene, examples))
    assert code == 0, text
    path = folder / "out" / "s_classes.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "r+") as dataset:
            told = dataset.tags()["PARAMETERS"]
            if parameters:
                told = json.dumps(json.loads(told) | parameters)
            dataset.update_tags(**({"PARAMETERS": told} | tags))
    return path


def words(folder: Path, path: Path) -> Words:
    return ("reproduce", path, "--scene", folder / "s.tif", "--examples", folder / "e.gpkg")


def is_there(folder: Path) -> bool:
    return (folder / "out" / "s_classes.tif").is_file()


@case(KIND, told="the same: all 9,216 pixels", check=is_there)
def tags_as_they_were_written(folder: Path) -> Words:
    return words(folder, alter(folder))


def add_parameter(name: str, value: Any, refused: str, title: str = "") -> None:
    @case(KIND, refused=refused, name=title or f"{name}_{value}")
    def altered(folder: Path) -> Words:
        return words(folder, alter(folder, {name: value}))


UNREAD = "has an unreadable tag PARAMETERS"
UNKNOWN = "that this version does not know"
add_parameter("engine", "ray", UNKNOWN)
add_parameter("ray_address", "10.0.0.1:6379", UNKNOWN)
add_parameter("model", "another", UNKNOWN)
add_parameter("output", "/tmp/elsewhere", UNKNOWN, "another_output")
add_parameter("check", "/etc/passwd", UNKNOWN, "a_check")
add_parameter("window", "many", "window is 'many'")
add_parameter("window", True, "window is True")
add_parameter("overlap", "half", "overlap is 'half'")
add_parameter("overlap", [0.2], "overlap is [0.2]")
add_parameter("threshold", 1e9, "threshold is 1000000000.0")
add_parameter("nodata", {"a": 1}, "nodata is {'a': 1}")
add_parameter("min_area", "big", "min_area is 'big'")
add_parameter("min_area", -3, "--min_area -3 was given")
add_parameter("classes", [3], "classes is (3,)")
add_parameter("bands", [{}], "bands is ({},)")
add_parameter("bands", [0], "band 0")
add_parameter("no_estimate", "yes", "no_estimate is 'yes'")
add_parameter("class_field", ["a"], "class_field is ['a']")
add_parameter("layer", 7, "have no layer '7'")
add_parameter("buffer", {}, "--buffer '{}' is not a length")
add_parameter("backbone", "hf-hub:someone/code", "takes no --backbone or --weights")
add_parameter("precision", "int4", "precision is 'int4'")
add_parameter("weights", "hf-hub:a/b", "nothing is downloaded on behalf of a file", "weights_afar")


def add_tags(name: str, refused: str, **tags: str) -> None:
    @case(KIND, refused=refused, name=name)
    def altered(folder: Path) -> Words:
        return words(folder, alter(folder, **tags))


add_tags("parameters_cut_off", UNREAD, PARAMETERS='{"window": ')
add_tags("parameters_that_are_a_list", UNREAD, PARAMETERS="[1]")
add_tags("parameters_nested_too_deeply", UNREAD, PARAMETERS="[" * 99999)
add_tags("batches_of_words", "has an unreadable tag BATCH_SIZE", BATCH_SIZE="many")
add_tags("a_model_of_code", "code named in a file's tags is not run", MODEL="os:mkdir")
add_tags("a_model_from_elsewhere", "is neither a model nor a model folder", MODEL="../../elsewhere")
add_tags("another_hash_of_the_examples", "is not what", EXAMPLES_SHA256="0" * 64)
add_tags("another_fingerprint", "is not what", SCENE_FINGERPRINT="0" * 64)
