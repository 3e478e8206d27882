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
