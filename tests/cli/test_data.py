import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.cli.main import main
from fewscape.datasets import FolderDataset
from fewscape.synthetic import SYNTHETIC_CLASSES, SceneSpec, make_scene
from tests.datasets.invented import write_dataset


def run(*words):
    return main(["data", *map(str, words)])


def test_synthesize_writes_a_data_set(tmp_path, capsys):
    root = tmp_path / "made"
    status = run("synthesize", "--output", root, "--scenes", 2, "--size", 96, "--seed", 5,
                 "--resolution", 0.7, "--density", 0.9)  # fmt: skip
    assert status == 0
    assert f"wrote 2 scenes to {root}" in capsys.readouterr().out
    dataset = FolderDataset(root)
    assert dict(dataset.classes) == SYNTHETIC_CLASSES
    for index in range(2):
        spec = SceneSpec(size=(96, 96), resolution=0.7, density=0.9, seed=5 + index)
        scene = make_scene(spec)
        np.testing.assert_array_equal(dataset.read_image(index), scene.image)
        np.testing.assert_array_equal(dataset.read_labels(index), scene.labels)
    with rasterio.open(root / "images" / "scene_0000.tif") as file:
        assert file.crs == "EPSG:32632"
        assert file.res == (0.7, 0.7)


def test_verify_tells_the_shares_of_the_classes(tmp_path, capsys):
    root = write_dataset(tmp_path / "toy", 3)
    assert run("verify", root) == 0
    told = capsys.readouterr().out
    pixels = np.concatenate(
        [np.asarray(Image.open(path)).ravel() for path in (root / "labels").iterdir()]
    )
    for number, name in {0: "ground", 1: "red", 2: "blue", 255: "(ignored)"}.items():
        line = next(line for line in told.splitlines() if name in line)
        assert line.split() == [str(number), name, f"{100 * np.mean(pixels == number):.2f}", "%"]
    assert "3 images and their labels of 'toy' are readable" in told


def test_verify_finds_an_unknown_id(tmp_path, capsys):
    root = write_dataset(tmp_path / "toy", 2)
    Image.fromarray(np.full((48, 48), 9, np.uint8)).save(root / "labels" / "001.png")
    assert run("verify", root) == 2
    assert "contain the class id 9; classes.json lists 0, 1, 2 and 255" in capsys.readouterr().err


def test_verify_finds_labels_of_another_size(tmp_path, capsys):
    root = write_dataset(tmp_path / "toy", 2)
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(root / "labels" / "001.png")
    assert run("verify", root) == 2
    assert "001.png' have 40 x 48 pixels; expected 48 x 48" in capsys.readouterr().err


def test_verify_finds_a_truncated_image(tmp_path, capsys):
    root = write_dataset(tmp_path / "toy", 2)
    image = root / "images" / "001.png"
    image.write_bytes(image.read_bytes()[:300])
    assert run("verify", root) == 2
    assert "001.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["synthesize", "--output", "x", "--size", "8"], "scene size is (8, 8)"),
        (["synthesize", "--output", "x", "--density", "3"], "scene density is 3.0"),
        (["synthesize", "--output", "x", "--seed", "-1"], "scene seed is -1"),
        (["verify", "nowhere"], "nowhere"),
    ],
)
def test_refuses_in_one_sentence(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert told in lines[0]


def test_refuses_a_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("synthesize", "--output", tmp_path / "file", "--scenes", 1, "--size", 32) == 2
    assert "cannot make the folder" in capsys.readouterr().err


def test_suggests_the_option_that_was_meant(capsys):
    with pytest.raises(SystemExit) as left:
        run("synthesize", "--output", "x", "--scene", 3)
    assert left.value.code == 2
    assert "there is no option --scene; did you mean --scenes?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("synthesize", "--output", "x", "--scenes", 0)
    assert "'0' is not a positive whole number" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["data", "models", "demo"])
def test_help_needs_no_torch(module):
    code = f"import sys, fewscape.cli.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_classes_are_plain_json(tmp_path):
    run("synthesize", "--output", tmp_path, "--scenes", 1, "--size", 32)
    table = json.loads((tmp_path / "classes.json").read_text())
    assert table["classes"]["5"] == "water"
