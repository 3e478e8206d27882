import json
from typing import NamedTuple

import numpy as np
import pytest
import rasterio
import shapely

from fewscape.cli.main import main
from tests.mapping.pairs import MS_PLACE, to_ground
from tests.raster.rasters import write_raster
from tests.raster.test_polygons import write_polygons

SIDE = 32
"""Multispectral pixels along a side; each has 4 x 4 panchromatic ones."""
GROUNDS = {
    "bright infrared": (slice(0, 16), slice(16, 32)),
    "plain": (slice(0, 16), slice(0, 16)),
    "rough": (slice(16, 32), slice(0, 32)),
}


class Files(NamedTuple):
    """A pair of which each raster alone shows two of three kinds of ground."""

    pan: object
    ms: object
    examples: object
    truth: np.ndarray


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path / "in")


def write_files(folder):
    """Rough ground differs in the panchromatic image only, infrared ground in one band only."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    pan = rng.normal(1000, 5, (4 * SIDE, 4 * SIDE))
    ms = rng.normal(1000, 5, (4, SIDE, SIDE))
    truth = np.zeros((SIDE, SIDE), int)
    rows, cols = np.indices(pan.shape)
    pan[4 * 16 :] += np.where((rows + cols) % 2, 100, -100)[4 * 16 :]
    shapes = []
    for number, (down, across) in enumerate(GROUNDS.values(), start=1):
        truth[down, across] = number
        row, col = down.start + 2, across.start + 2
        shapes += [shapely.box(col + at, row, col + at + 4, row + 4) for at in (0, 8)]
    ms[3][truth == 1] += 300
    names = [name for name in GROUNDS for _ in range(2)]
    ground = [shapely.transform(shape, to_ground) for shape in shapes]
    return Files(
        write_raster(folder / "pan.tif", pan.astype(np.uint16)[None]),
        write_raster(folder / "ms.tif", ms.astype(np.uint16), transform=MS_PLACE),
        write_polygons(folder / "examples.gpkg", ground, names),
        np.kron(truth, np.ones((4, 4), int)),
    )


def call(*words):
    return main([str(word) for word in words])


def rasters(files):
    return "--pan", files.pan, "--ms", files.ms, "--examples", files.examples


def run(files, out, *more, model="maximum_likelihood"):
    words = () if model is None else ("--model", model)
    return call("map", *rasters(files), "--output", out, *words, *more)


def read_classes(out):
    with rasterio.open(out / "ms_classes.tif") as dataset:
        return dataset.read(1), dataset.tags(1), dataset.tags()


@pytest.mark.parametrize("model", ["maximum_likelihood", None])
def test_both_rasters_teach(tmp_path, files, model, capsys):
    assert run(files, tmp_path / "out", model=model) == 0
    told = capsys.readouterr().out
    assert "ms.tif: 128 x 128 pixels of 0.5 m" in told
    assert "band 4 near infrared" in told
    assert "panchromatic" in told
    classes, names, tags = read_classes(tmp_path / "out")
    assert [names[f"CLASS_{number}"] for number in (1, 2, 3)] == list(GROUNDS)
    for number in (1, 2, 3):
        assert (classes == number)[files.truth == number].mean() > 0.75
    assert (tags["PAN"], tags["MS"]) == ("pan.tif", "ms.tif")
    assert tags["MODEL"] == (model or "ensemble")
    assert json.loads(tags["PARAMETERS"])["ms_bands"] == [1, 2, 3, 4]
    assert (tmp_path / "out" / "ms_preview.png").exists()
    assert (tmp_path / "out" / "ms_rough_prob.tif").exists()


def test_shards_of_a_pair_are_merged(tmp_path, files, capsys):
    more = ("--window", "64", "--no_preview")
    assert run(files, tmp_path / "whole", *more) == 0
    for shard in ("2/2", "1/2"):
        assert run(files, tmp_path / "parts", *more, "--shard", shard) == 0
    assert "ms.tif: shard 1 of 2 is finished; all parts are there" in capsys.readouterr().out
    assert call("merge", tmp_path / "parts") == 0
    for path in (tmp_path / "whole").glob("*.tif"):
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


def test_the_map_comes_again(tmp_path, files, capsys):
    options = ("--ms_bands", "2,1,3,4", "--window", "64", "--threshold", "0.5")
    assert run(files, tmp_path / "maps", *options) == 0
    for layer in ("classes", "rough_prob"):
        path = tmp_path / "maps" / f"ms_{layer}.tif"
        assert call("reproduce", path, *rasters(files)) == 0
        assert "the same: all 16,384 pixels" in capsys.readouterr().out
    with rasterio.open(files.pan, "r+") as dataset:
        dataset.write(dataset.read() + 1)
    assert call("reproduce", path, *rasters(files)) == 2
    assert "the panchromatic raster '" in capsys.readouterr().err


def test_ground_without_data_is_not_mapped(tmp_path, files):
    with rasterio.open(files.ms, "r+") as dataset:
        data = dataset.read()
        data[:, 20:24, 20:24] = 0
        dataset.write(data)
    assert run(files, tmp_path / "out", "--nodata", "0") == 0
    classes, _, _ = read_classes(tmp_path / "out")
    assert (classes == 255).sum() == 16 * 16
    assert (classes[80:96, 80:96] == 255).all()


def test_a_map_is_checked(tmp_path, files, capsys):
    assert run(files, tmp_path / "out", "--check", files.examples) == 0
    assert (tmp_path / "out" / "ms_check.json").exists()
    assert "checked pixels of 'ms.tif' are also examples" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["scene.tif"], "was given beside --pan and --ms"),
        (["--bands", "1,1,1"], "the bands of a pair are set with --ms_bands; leave out --bands"),
        (
            ["--grid", "ms"],
            "--grid was given to the model 'maximum_likelihood'; it applies only to networks",
        ),
        (["--tile", "64"], "--tile was given to the model 'maximum_likelihood'"),
        (["--resolution", "1"], "--resolution was given beside --pan and --ms"),
        (["--example_scene", "a.tif"], "--example_scene was given beside --pan and --ms"),
        (["--max_shots", "5"], "--max_shots was given to the model 'maximum_likelihood'"),
        (["--heatmaps"], "takes no --heatmaps"),
        (["--ms_bands", "1,2,3,9"], "has 4 bands, 1,2,3,9 were chosen; expected three or four"),
        (["--classes", "snow"], "snow"),
    ],
)
def test_what_the_model_does_not_take(tmp_path, files, more, message, capsys):
    assert run(files, tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))


def test_half_a_pair_and_swapped_rasters_are_told(tmp_path, files, capsys):
    model = ("--model", "maximum_likelihood", "--output", tmp_path / "out")
    assert call("map", *rasters(files)[2:], *model) == 2
    assert "the panchromatic raster is missing" in capsys.readouterr().err
    assert call("map", *rasters(files)[:4], *model) == 2
    assert "the examples are missing" in capsys.readouterr().err
    assert run(files._replace(pan=files.ms, ms=files.pan), tmp_path / "out") == 2
    assert "expected one; the two rasters seem to be swapped" in capsys.readouterr().err


def test_a_map_never_overwrites_the_panchromatic_raster(tmp_path, files, capsys):
    moved = files.pan.rename(tmp_path / "in" / "ms_classes.tif")
    assert run(files._replace(pan=moved), tmp_path / "in") == 2
    assert "would overwrite the input" in capsys.readouterr().err
