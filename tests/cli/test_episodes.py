import argparse

import pytest
from PIL import Image

from fewscape.backbones import BackboneConfig
from fewscape.cli import episodes
from fewscape.core import ManifestError, OutputError
from fewscape.datasets import Manifest
from fewscape.models import MGCL, save_model
from tests.datasets.invented import write_dataset


def run(*arguments):
    parser = argparse.ArgumentParser()
    episodes.add_arguments(parser)
    return episodes.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def made(tmp_path, capsys):
    for number, name in enumerate(("toy", "other")):
        write_dataset(tmp_path / name, 5, seed=number)
    path = tmp_path / "m.json"
    status = run(
        "make", "--root", tmp_path, "--datasets", "toy,other", "--leave_out", "ground",
        "--shots", 2, "--episodes", 6, "--window", 20, "--min_share", 0.1, "--output", path,
    )  # fmt: skip
    assert status == 0
    return path, capsys.readouterr().out


def test_make_writes_a_manifest_and_prints_its_hash(made):
    path, printed = made
    manifest = Manifest.load(path)
    assert manifest.name == "m"
    assert len(manifest) == 24
    assert all(len(episode.support) == 2 for episode in manifest)
    assert f"sha256 {manifest.sha256}" in printed
    assert "24 episodes of 4 classes" in printed


def test_make_says_what_is_missing(tmp_path, capsys):
    write_dataset(tmp_path / "toy", 3)
    with pytest.raises(ManifestError, match=r"would have no episodes; expected at least one"):
        run("make", "--root", tmp_path, "--datasets", "toy", "--shots", 4, "--window", 20,
            "--output", tmp_path / "m.json")  # fmt: skip
    printed = capsys.readouterr().out
    assert "toy / red: only 0 of 100 episodes; 3 images show enough of it, 5 are needed" in printed
    assert not (tmp_path / "m.json").exists()


def test_show_draws_a_sheet(made, tmp_path):
    path, _ = made
    output = tmp_path / "new" / "sheet.png"
    status = run("show", "--episodes", path, "--root", tmp_path, "--output", output,
                 "--classes", "red", "--per_class", 3)  # fmt: skip
    assert status == 0
    sheet = Image.open(output)
    assert sheet.width > 2 * 4 * 192
    assert len(sheet.getcolors(1 << 20)) > 50


def test_show_draws_why_a_network_decides(tmp_path):
    write_dataset(tmp_path / "toy", 3, (96, 96))
    words = ("--root", tmp_path, "--datasets", "toy", "--window", 64, "--episodes", 1)
    run("make", *words, "--output", tmp_path / "m.json")
    folder = save_model(MGCL(BackboneConfig("test_resnet")), tmp_path / "model", "card")
    sheets = []
    for name, more in (("plain", ()), ("why", ("--model", folder))):
        output = tmp_path / f"{name}.png"
        words = ("--episodes", tmp_path / "m.json", "--root", tmp_path, "--classes", "red")
        assert run("show", *words, "--output", output, *more) == 0
        sheets.append(Image.open(output))
    assert sheets[1].width - sheets[0].width == 3 * 194  # prediction, correlation, prior


def test_show_refuses_what_it_cannot_do(made, tmp_path):
    path, _ = made
    with pytest.raises(ManifestError, match="no episodes of 'green'"):
        run("show", "--episodes", path, "--root", tmp_path, "--output", "x", "--classes", "green")
    with pytest.raises(OutputError, match="cannot be written"):
        run("show", "--episodes", path, "--root", tmp_path, "--output", path / "sheet.png")


def test_refuses_counts_below_one(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run("make", "--root", tmp_path, "--aerial4", "--shots", 0, "--output", "x")
    assert "'0' is not a positive whole number" in capsys.readouterr().err
