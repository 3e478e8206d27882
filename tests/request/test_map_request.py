import json
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from fewscape.cli import map as map_command
from fewscape.cli.main import make_parser
from fewscape.core import ConfigError
from fewscape.request import MapRequest
from fewscape.request.map_request import DEFAULTS

MANY = MapRequest(
    scenes=("a.tif", "b c.tif"),
    output=Path("maps"),
    examples=Path("roofs.gpkg"),
    classes=("roof", "flat roof"),
    bands=(1, "nir", 3),
    nodata=-9999.0,
    resolution=0.5,
    model="mine/best",
    window=256,
    overlap=0.3,
    threshold=0.55,
    no_estimate=True,
    scales=(0.75, 1.0),
    cog=True,
    vectors=False,
    max_memory=123_456_789,
    shard=(3, 16),
    example_bands=(2,),
)


def parse(words):
    return map_command.parse_request(vars(make_parser("map", map_command).parse_args(words)))


def test_the_parser_gives_the_defaults_of_the_request():
    request = parse(["a.tif", "--output", "maps"])
    assert request == MapRequest(scenes="a.tif", output="maps")


def test_every_field_has_an_option():
    parser = make_parser("map", map_command)
    options = {action.dest for action in parser._actions} - {"help"}
    assert options == {field.name for field in fields(MapRequest)}


def test_the_written_command_gives_the_request_again():
    words = map_command.write_command(MANY)
    assert words[0] == "map"
    assert parse(words[1:]) == MANY
    least = map_command.write_command(MapRequest(scenes="a.tif", examples="a.gpkg", output="o"))
    assert least == ["map", "a.tif", "--examples", "a.gpkg", "--output", "o"]


def test_it_is_plain_data():
    assert pickle.loads(pickle.dumps(MANY)) == MANY
    plain = {field.name: getattr(MANY, field.name) for field in fields(MANY)}
    assert json.loads(json.dumps(plain, default=str))["classes"] == ["roof", "flat roof"]
    assert hash(MANY) == hash(pickle.loads(pickle.dumps(MANY)))


def test_lists_and_paths_are_taken():
    request = MapRequest(
        scenes=[Path("a.tif")], output="maps", classes=["roof"], model=Path("mine"), buffer=2
    )
    assert request.scenes == ("a.tif",)
    assert request.output == Path("maps")
    assert request.classes == ("roof",)
    assert (request.model, request.buffer) == ("mine", "2")
    assert MapRequest(output="o", classes="roof").classes == ("roof",)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("examples_are", "object", "expected areas, objects"),
        ("precision", "float16", "expected auto, float32, bfloat16"),
        ("window", 0, "a whole number from 1"),
        ("batch_size", 2.5, "a whole number from 1"),
        ("threshold", 1.5, "a number from 0 to 1"),
        ("threshold", float("nan"), "a number from 0 to 1"),
        ("resolution", 0, "expected a number from 0.001"),
        ("scales", (), "factors such as"),
        ("shard", (3, 2), "a shard such as 3 of 16"),
    ],
)
def test_impossible_values_are_told(name, value, expected):
    with pytest.raises(ConfigError, match=f"{name} is .*{expected}"):
        MapRequest(output="maps", **{name: value})


def test_what_was_given_differs_from_its_default():
    assert MANY.is_given("window")
    assert not MANY.is_given("ms_bands")
    assert DEFAULTS["overlap"] == 0.25


def test_paths_hold_in_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.gpkg").touch()
    request = MapRequest(
        output="maps", examples="a.gpkg", example_scene="s3://bucket/a.tif", weights="imagenet"
    ).with_absolute_paths()
    assert request.examples == tmp_path / "a.gpkg"
    assert request.output == tmp_path / "maps"
    assert request.example_scene == "s3://bucket/a.tif"
    assert request.weights == "imagenet"


def test_a_request_is_made_without_torch():
    code = (
        "import sys; from fewscape.request import MapRequest; MapRequest(output='o'); "
        "print(*{'torch', 'numpy', 'rasterio', 'shapely'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
