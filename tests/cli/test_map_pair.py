import numpy as np
import pytest
import rasterio
import torch

from fewscape.cli.main import main
from fewscape.models import save_model
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.zoo import EMBEDDED_PAIRS
from tests.mapping.pairs import MS_PLACE, write_pair_files
from tests.raster.rasters import write_raster


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    network = DualSource(DualSourceConfig(width=16))
    return save_model(network, tmp_path_factory.mktemp("model"), "card")


@pytest.fixture
def files(tmp_path):
    return write_pair_files(tmp_path / "in")


def run(files, out, *more, **changes):
    given = {"pan": files.pan, "ms": files.ms, "examples": files.examples} | changes
    words = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    return main([str(word) for word in ["map", *words, "--output", out, *more]])


def read_classes(out):
    with rasterio.open(out / "ms_classes.tif") as dataset:
        return dataset.read(1), dataset.tags(1), dataset.tags()


def test_the_embedded_network_maps_classes_it_never_saw(tmp_path, files, capsys):
    model = EMBEDDED_PAIRS[4]
    assert run(files, tmp_path / "out", "--buffer", "0.5", "--model", model) == 0
    told = capsys.readouterr().out
    assert "dry scrub: 21 pixels from" in told
    classes, names, tags = read_classes(tmp_path / "out")
    order = {names[f"CLASS_{n}"]: n for n in range(1, 9)}
    truth = np.array([0, *(order[name] for name in files.names)])[files.fine_labels]
    assert (classes == truth).mean() > 0.6  # of eight classes, in pixels of a quarter
    assert tags["MODEL"] == model
    assert tags["PAN"] == "pan.tif"


def test_the_multispectral_grid_and_chosen_classes(tmp_path, files, model):
    more = ["--model", model, "--grid", "ms", "--classes", "water,bare soil", "--max_shots", "4"]
    assert run(files, tmp_path / "out", *more, "--no_vectors", "--no_preview", "--no_styles") == 0
    classes, names, _ = read_classes(tmp_path / "out")
    assert classes.shape == (64, 64)
    assert set(np.unique(classes)) <= {1, 2}
    assert (names["CLASS_1"], names["CLASS_2"]) == ("water", "bare soil")
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ms": None}, "the multispectral raster is missing"),
        ({"pan": None}, "the panchromatic raster is missing"),
        ({"examples": None}, "the examples are missing"),
    ],
)
def test_half_a_pair_is_told(tmp_path, files, model, changes, message, capsys):
    assert run(files, tmp_path / "out", "--model", model, **changes) == 2
    assert message in capsys.readouterr().err


def test_swapped_rasters_are_told(tmp_path, files, model, capsys):
    assert run(files, tmp_path / "out", "--model", model, pan=files.ms, ms=files.pan) == 2
    assert (
        "has 4 bands; expected one; the two rasters seem to be swapped" in capsys.readouterr().err
    )


def test_other_reference_systems_and_bands_are_told(tmp_path, files, model, capsys):
    ms = np.ones((3, 64, 64), np.uint16)
    three = write_raster(tmp_path / "three.tif", ms, transform=MS_PLACE)
    assert run(files, tmp_path / "out", "--model", model, ms=three) == 2
    assert "has 3 bands, 1,2,3,4 were chosen" in capsys.readouterr().err
    ms = np.ones((4, 64, 64), np.uint16)
    west = write_raster(tmp_path / "west.tif", ms, transform=MS_PLACE, crs="EPSG:32630")
    assert run(files, tmp_path / "out", "--model", model, ms=west) == 2
    assert "lies in EPSG:32630" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["scene.tif"], "was given beside --pan and --ms"),
        (["--heatmaps"], "--heatmaps was given beside --pan and --ms"),
        (["--window", "64"], "--window was given beside --pan and --ms"),
        (["--bands", "1,1,1"], "the bands of a pair are set with --ms_bands; leave out --bands"),
        (["--threshold", "0.7"], "--threshold was given beside --pan and --ms"),
        (["--max_memory", "9MB"], "a pair of this width needs"),
        (["--classes", "snow,water"], "have no class 'snow'"),
        (["--model", "prototype"], "is not a network for panchromatic and multispectral pairs"),
        (["--ms_bands", "1,2,3,9"], "has 4 bands, 1,2,3,9 were chosen"),
    ],
)
def test_what_a_pair_does_not_take(tmp_path, files, model, more, message, capsys):
    assert run(files, tmp_path / "out", "--model", model, *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_no_scene_at_all_is_told(tmp_path, capsys):
    assert main(["map", "--examples", "a.gpkg", "--output", str(tmp_path / "out")]) == 2
    assert "no scene was given" in capsys.readouterr().err


def test_a_map_never_overwrites_its_input(tmp_path, model, capsys):
    files = write_pair_files(tmp_path)
    moved = files.examples.rename(tmp_path / "ms.gpkg")
    assert run(files, tmp_path, "--model", model, examples=moved) == 2
    assert "would overwrite the input" in capsys.readouterr().err


def test_a_pair_network_does_not_map_a_single_scene(tmp_path, files, model, capsys):
    words = ["map", files.pan, "--examples", files.examples, "--output", tmp_path / "out"]
    assert main([str(word) for word in [*words, "--model", model, "--bands", "1,1,1"]]) == 2
    assert "holds a network for panchromatic and multispectral pairs" in capsys.readouterr().err


def test_shares_of_a_pair_are_merged(tmp_path, files, model, capsys):
    more = ["--model", model, "--tile", "16", "--no_preview"]
    assert run(files, tmp_path / "whole", *more) == 0
    for shard in ("2/2", "1/2"):
        assert run(files, tmp_path / "parts", *more, "--shard", shard) == 0
    assert "ms.tif: shard 1 of 2 is finished; all parts are there" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "parts")]) == 0
    for path in (tmp_path / "whole").glob("*.tif"):
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


def test_the_cost_of_a_pair_is_told(tmp_path, files, model, capsys):
    assert run(files, tmp_path / "out", "--model", model, "--tile", "32", "--dry_run") == 0
    assert "ms.tif: 4 windows, about 0 min" in capsys.readouterr().out
    assert not list((tmp_path / "out").iterdir())
