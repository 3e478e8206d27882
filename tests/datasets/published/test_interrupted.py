"""Preparations that were interrupted: never complete, and mended by the same command."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from fewscape.cli.main import main
from fewscape.core import DatasetError, OutputError
from fewscape.datasets import FolderDataset, image_stem, read_splits
from fewscape.datasets.published import prepare_dlrsd, prepare_isaid5i
from tests.datasets.published.invented import write_dlrsd, write_dlrsd_lists, write_isaid_tiles

PREPARE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from fewscape.datasets.published import PREPARERS

left = int(sys.argv[4])

def count(name):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

PREPARERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]), count)
"""


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def kill_after(name, source, output, images):
    words = [sys.executable, "-c", PREPARE_AND_DIE, name, str(source), str(output), str(images)]
    ended = subprocess.run(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert ended.returncode == -signal.SIGKILL


def read_all(folder):
    """Every file of a data set by its path."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_killed_run_is_incomplete_and_the_told_command_mends_it(tmp_path, rng, capsys):
    source, output = tmp_path / "my downloads", tmp_path / "isaid5i"
    write_isaid_tiles(source, rng, "mgcl")
    kill_after("isaid5i", source, output, images=3)
    assert len(list((output / "images").iterdir())) == 3
    command = f"fewscape data prepare isaid5i --source '{source}' --output {output}"
    with pytest.raises(DatasetError, match=rf"'{output}' was interrupted; .*again: {command}"):
        FolderDataset(output)
    assert main(["data", "verify", str(output)]) == 2
    assert f"run again: {command}" in capsys.readouterr().err
    prepare_isaid5i(source, output)
    prepare_isaid5i(source, tmp_path / "clean")
    assert read_all(output) == read_all(tmp_path / "clean")


def test_stale_images_of_an_interrupted_run_do_not_slip_in(tmp_path, rng):
    write_isaid_tiles(tmp_path / "source", rng, "mgcl", tiles=6)
    output = tmp_path / "isaid5i"
    kill_after("isaid5i", tmp_path / "source", output, images=9)
    stale = {path.stem for path in (output / "images").iterdir()}
    truth = write_isaid_tiles(tmp_path / "other", rng, "pcfnet", tiles=3)
    prepare_isaid5i(tmp_path / "other", output)
    dataset = FolderDataset(output)
    stems = {image_stem(dataset, index) for index in range(len(dataset))}
    assert stems == {stem for own in truth.values() for stem in sorted(own)[:2]}
    assert stale - stems
    assert {path.stem for path in (output / "labels").iterdir()} == stems
    assert {stem for own in read_splits(output).values() for stem in own} == stems


def test_stale_lists_do_not_slip_in(tmp_path, rng, monkeypatch):
    source, output = tmp_path / "downloads", tmp_path / "downloads" / "dlrsd"
    truth = write_dlrsd(source, rng, images=3)
    write_dlrsd_lists(source, truth)
    from fewscape.datasets.published import prepared

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "CLASSES", "preparing.txt/classes.json")  # the very last file
        with pytest.raises(OutputError, match="cannot be written"):
            prepare_dlrsd(source, output)
    assert (output / "lists.json").exists()
    with pytest.raises(DatasetError, match="was interrupted"):
        FolderDataset(output)
    shutil.rmtree(source / "DLRSD_5i")
    prepare_dlrsd(source, output)  # what it left inside --source is no second copy either
    assert not (output / "lists.json").exists()
    assert len(FolderDataset(output)) == 6


def test_images_of_another_origin_are_not_deleted(tmp_path, rng):
    write_isaid_tiles(tmp_path / "source", rng, "mgcl")
    mine = tmp_path / "output" / "images" / "mine.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(DatasetError, match=r"already has 'images'; expected a new folder, or one"):
        prepare_isaid5i(tmp_path / "source", tmp_path / "output")
    assert mine.read_bytes() == b"mine"
