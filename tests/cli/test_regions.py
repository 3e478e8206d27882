import os
import signal
import subprocess
import sys
import time
from dataclasses import fields

import numpy as np
import pytest
import torch

from fewscape.cli import regions
from fewscape.cli.main import main
from fewscape.core import Policy, Window
from fewscape.datasets import Crop, EpisodeSpec, Manifest, ManifestEpisodes
from fewscape.evaluation import evaluate
from fewscape.regions import REGION_METHODS, RegionStore, Slic, StoredRegions, make_regions
from tests.datasets.invented import write_dataset
from tests.evaluation.doubles import NearColour


def run(*words):
    return main(["regions", *map(str, words)])


def files(store):
    return sorted(store.rglob("*.png"))


def write_manifest(path, ignore=255):
    """Two episodes that share two of their four windows."""
    windows = [Window(0, 0, 20, 20), Window(20, 4, 20, 20), Window(8, 8, 40, 40)]
    crops = [
        Crop(f"toy/images/{image:03d}.png", f"toy/labels/{image:03d}.png", window)
        for image, window in ((0, windows[0]), (1, windows[1]), (1, windows[2]), (2, windows[0]))
    ]
    episodes = (
        EpisodeSpec("toy", 1, "red", crops[0], (crops[1], crops[3])),
        EpisodeSpec("toy", 2, "blue", crops[2], (crops[1], crops[3])),
    )
    Manifest("m", episodes, image_size=(32, 32), ignore=ignore).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    write_dataset(tmp_path / "data" / "toy", 3)
    return tmp_path / "data"


def test_cuts_up_every_image_of_a_data_set(data, tmp_path, capsys):
    store = tmp_path / "store"
    assert run("--root", data / "toy", "--store", store, "--workers", 1) == 0
    assert "store: 3 maps made, 0 already there" in capsys.readouterr().out
    assert len(files(store)) == 3
    assert run("--root", data, "--store", store, "--workers", 1) == 0
    assert "0 maps made, 3 already there" in capsys.readouterr().out


def test_other_parameters_are_other_maps(data, tmp_path, capsys):
    for options in ((), ("--num_segments", 900), ("--method", "felzenszwalb", "--min-size", 9)):
        run("--root", data, "--store", tmp_path / "store", "--workers", 1, *options)
        assert "3 maps made, 0 already there" in capsys.readouterr().out


def test_cuts_up_every_crop_of_a_manifest_once(data, tmp_path, capsys):
    manifest = write_manifest(tmp_path / "m.json")
    store = tmp_path / "store"
    options = ("--root", data, "--episodes", manifest, "--store", store, "--workers", 1)
    assert run(*options, "--num_segments", 900) == 0
    assert "4 maps made" in capsys.readouterr().out


def test_episodes_find_their_maps_in_the_store(data, tmp_path, monkeypatch):
    manifest = write_manifest(tmp_path / "m.json")
    store = tmp_path / "store"
    run("--root", data, "--episodes", manifest, "--store", store, "--workers", 1)
    stored = StoredRegions(RegionStore(store), make_regions("slic"))

    def refuse(*_):
        raise AssertionError("this map should have been in the store")

    monkeypatch.setattr(Slic, "segment", refuse)
    episodes = ManifestEpisodes(Manifest.load(manifest), data, stored)
    for index in range(2):
        assert episodes[index].query_regions.shape == (1, 32, 32)
        assert episodes[index].support_regions.shape == (1, 2, 32, 32)


def test_an_evaluation_makes_none_anew(data, tmp_path, monkeypatch):
    manifest = write_manifest(tmp_path / "m.json")
    store, cut = tmp_path / "store", []
    original = Slic.segment

    def segment(self, image):
        cut.append(image.shape)
        return original(self, image)

    monkeypatch.setattr(Slic, "segment", segment)
    model = NearColour("slic")
    run("--root", data, "--episodes", manifest, "--store", store, "--workers", 1)
    assert len(cut) == 4
    stored = StoredRegions(RegionStore(store), make_regions("slic"))
    policy = Policy(torch.device("cpu"), torch.float32)
    evaluate(model, Manifest.load(manifest), data, policy=policy, regions=stored)
    assert len(model.region_sums) == len(cut) == 4


NUM_IMAGES = 200
"""So many that the command is still at work when this process looks, also on a busy machine."""
PATIENCE = 600.0
"""Seconds; ends what hangs, however busy the machine."""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_can_be_interrupted_and_continued(tmp_path, capsys, monkeypatch):
    """Ctrl-C reaches the command and its two workers, as on a terminal."""
    write_dataset(tmp_path / "data", NUM_IMAGES, size=(128, 128))
    store = tmp_path / "store"
    options = ["--root", str(tmp_path / "data"), "--store", str(store), "--num_segments", "2000"]
    options += ["--iterations", "400", "--reduction", "1", "--workers", "2"]
    command = subprocess.Popen(
        [sys.executable, "-m", "fewscape.cli.main", "regions", *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whatever started the tests may ignore Ctrl-C, as shells do for jobs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + PATIENCE
    while not files(store) and command.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(command.pid, signal.SIGINT)
    printed, told = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130, told
    done = len(files(store))
    assert 0 < done < NUM_IMAGES
    assert f"interrupted: {done} maps made, 0 already there, {NUM_IMAGES - done} left" in told
    assert "Traceback" not in told + printed
    assert not list(store.rglob("*.part"))

    monkeypatch.setattr(Slic, "segment", lambda self, image: np.zeros(image.shape[:2], np.int64))
    assert run(*options[:-1], 1) == 0
    assert f"{NUM_IMAGES - done} maps made, {done} already there" in capsys.readouterr().out


def test_an_interrupt_in_this_process_is_told_the_same_way(data, tmp_path, capsys, monkeypatch):
    store = tmp_path / "store"
    original = Slic.segment

    def segment(self, image):
        if files(store):
            raise KeyboardInterrupt
        return original(self, image)

    with monkeypatch.context() as patch:
        patch.setattr(Slic, "segment", segment)
        assert run("--root", data, "--store", store, "--workers", 1) == 130
    told = capsys.readouterr().err
    assert "interrupted: 1 maps made, 0 already there, 2 left; run the same" in told
    assert run("--root", data, "--store", store, "--workers", 1) == 0
    assert "2 maps made, 1 already there" in capsys.readouterr().out


def test_bands_of_other_sensors(tmp_path, capsys):
    import rasterio

    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 4000, (2, 24, 30)).astype(np.uint16)
    with rasterio.open(
        tmp_path / "images" / "a.tif", "w", driver="GTiff", width=30, height=24, count=2,
        dtype="uint16",
    ) as file:  # fmt: skip
        file.write(pixels)
    options = ("--root", tmp_path, "--store", tmp_path / "store", "--workers", 1)
    assert run(*options) == 2
    assert "has 2 bands" in capsys.readouterr().err
    assert run(*options, "--bands", "2,2,1") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "silc"], "no over-segmentation 'silc'; did you mean 'slic'?"),
        (["--scale", "3"], "'slic' has no parameter 'scale'"),
        (["--num_segments", "0"], "slic: num_segments is 0; expected more than 0"),
        (["--method", "sam", "--model", "./none"], "there is no folder 'none'"),
        (["--episodes", "none.json"], "there is no manifest 'none.json'"),
        (["--root", "none"], "there is no image in 'none/images'"),
    ],
)
def test_says_what_is_wrong(data, tmp_path, capsys, options, message):
    words = ["--root", data, "--store", tmp_path / "store", "--workers", 1, *options]
    assert run(*words) == 2
    assert message in capsys.readouterr().err


def test_a_damaged_image_is_named(data, tmp_path, capsys):
    image = data / "toy" / "images" / "001.png"
    image.write_bytes(image.read_bytes()[:20])
    assert run("--root", data, "--store", tmp_path / "store", "--workers", 1) == 2
    assert "001.png' cannot be read" in capsys.readouterr().err


def test_a_store_that_cannot_be_written_is_told(data, tmp_path, capsys):
    (tmp_path / "store").write_text("in the way")
    assert run("--root", data, "--store", tmp_path / "store", "--workers", 1) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_command_line_knows_every_method_and_parameter():
    assert list(REGION_METHODS) == list(regions.METHODS)
    known = {field.name for method in REGION_METHODS.values() for field in fields(method)}
    assert known <= set(regions.PARAMETERS)


def test_help_is_answered_without_torch():
    code = (
        "import sys, fewscape.cli.main as m\n"
        "try: m.main(['regions', '--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "fewscape regions --root" in told.stdout
