import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from fewscape.core import OutputError
from fewscape.evaluation import check_writable, make_table, write_results

RESULTS = {
    "miou": 0.3571, "miou_ci95": [0.33, 0.38], "fb_iou": 0.5, "model": "prototype",
    "per_class": [
        {"dataset": "toy", "class_name": "red", "iou": 0.3571, "ci95": [0.3, 0.4], "episodes": 9,
         "intersection": 5, "union": 14},
        {"dataset": "toy", "class_name": "blue", "iou": None, "ci95": [None, None], "episodes": 9,
         "intersection": 0, "union": 0},
    ],
    "episodes_sha256": "ab" * 32, "seconds": 1.5, "version": "0",
}  # fmt: skip


def test_table_shows_percent_and_counts():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(make_table(RESULTS))
    text = console.export_text()
    for part in ("red", "35.7", "30.0 to 40.0", "- to -", "FB-IoU 50.0", "33.0 to 38.0", "18"):
        assert part in text


def test_writes_whole_files(tmp_path):
    write_results(RESULTS, path := tmp_path / "new" / "r.json")
    assert json.loads(path.read_text()) == RESULTS
    assert [file.name for file in path.parent.iterdir()] == ["r.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_results(RESULTS, path := tmp_path / "r.json")

    def full(self, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"r.json' cannot be written: No space left on device"):
        write_results(RESULTS | {"model": "other"}, path)
    assert json.loads(path.read_text()) == RESULTS
    assert len(list(tmp_path.iterdir())) == 1


def test_says_early_that_a_place_is_not_writable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written: .*choose another path"):
        check_writable(tmp_path / "file" / "r.json")
    check_writable(tmp_path / "new" / "r.json")
    assert list((tmp_path / "new").iterdir()) == []
