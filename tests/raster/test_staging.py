import os
import re
import socket
from pathlib import Path

import pytest

from fewscape.core import OutputError
from fewscape.raster import StagedFiles
from fewscape.raster.writing.staging import report_write_errors


def test_files_appear_together(tmp_path):
    out = tmp_path / "new" / "folder"
    with StagedFiles(out) as staged:
        staged.path("b.txt").write_text("b")
        staged.path("a.txt").write_text("a")
        assert [path.name for path in out.iterdir() if not path.name.startswith(".")] == []
        assert staged.commit() == [out / "a.txt", out / "b.txt"]
    assert sorted(path.name for path in out.iterdir()) == ["a.txt", "b.txt"]


def test_an_error_leaves_nothing_and_keeps_older_files(tmp_path):
    (tmp_path / "a.txt").write_text("older")

    def interrupted():
        with StagedFiles(tmp_path) as staged:
            staged.path("a.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "older"


def test_reports_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"output folder .*file/out' cannot be written.*--output"),
        StagedFiles(tmp_path / "file" / "out"),
    ):
        pass


def test_a_full_disk_is_an_output_error(tmp_path):
    with (
        pytest.raises(OutputError, match=r"No space left on device.*free some space"),
        report_write_errors(tmp_path / "map.tif"),
    ):
        raise OSError(28, "No space left on device")


def abandon(folder, monkeypatch, after):
    """A commit of three files that ends behind some of them, as a kill does."""
    moved = []
    rename = Path.replace

    def counting(self, target):
        if self.parent.name.startswith(".fewscape-commit-"):
            moved.append(self)
            if len(moved) > after:
                raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", counting)
        with pytest.raises(KeyboardInterrupt):
            write(folder, "new", obsolete=["old.tif", "../outside.txt"])


def write(folder, text, obsolete=()):
    with StagedFiles(folder) as staged:
        for name in "abc":
            staged.path(f"{name}.tif").write_text(text)
        staged.commit(obsolete)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_commit_that_was_killed_is_finished_by_the_next_run(tmp_path, monkeypatch, after):
    out = tmp_path / "out"
    write(out, "older")
    (tmp_path / "outside.txt").write_text("of somebody else")
    (out / "old.tif").write_text("of other classes")
    (out / "mine.txt").write_text("of the user")
    abandon(out, monkeypatch, after)
    with StagedFiles(out):
        found = {path.name: path.read_text() for path in out.iterdir() if path.is_file()}
    assert found == {**{f"{name}.tif": "new" for name in "abc"}, "mine.txt": "of the user"}
    assert not list(out.glob(".fewscape-*"))
    assert (tmp_path / "outside.txt").exists()


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    machine = re.sub("[^A-Za-z0-9]", "_", socket.gethostname())[:40]
    dead = tmp_path / f".fewscape-staged-{machine}-{2**22 + 1}-x"
    living = tmp_path / f".fewscape-staged-{machine}-{os.getpid()}-x"
    elsewhere = tmp_path / f".fewscape-staged-other_{machine}-{2**22 + 1}-x"
    for folder in (dead, living, elsewhere):
        folder.mkdir()
    with StagedFiles(tmp_path):
        assert not dead.exists()
        assert living.exists()
        assert elsewhere.exists()


def test_companions_of_a_replaced_file_go(tmp_path):
    write(tmp_path, "older")
    (tmp_path / "a.tif.aux.xml").write_text("statistics of older pixels")
    (tmp_path / "a.tif.ovr").write_text("older pixels")
    write(tmp_path, "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b.tif", "c.tif"]
