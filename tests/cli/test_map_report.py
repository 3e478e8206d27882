import time
from pathlib import Path

from fewscape.cli.map_report import print_accuracy, print_result, show_progress
from fewscape.mapping import FinishedMap
from fewscape.mapping.engine.accuracy_notes import advise, describe_lone_class, list_accuracy
from fewscape.mapping.engine.own_accuracy import ClassAccuracy
from tests.mapping.test_accuracy_notes import OWN, make


def test_the_bar_tells_megapixels_and_their_speed(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with show_progress("town.tif", 40_000_000) as on_progress:
        for _ in range(3):
            on_progress(5_000_000)
            time.sleep(0.15)  # the bar is drawn ten times a second
    told = capsys.readouterr().err
    assert "town.tif" in told
    assert "15.0 of 40.0 MP" in told
    assert " MP/s" in told


def test_files_that_are_no_terminal_get_no_bar(capsys):
    with show_progress("town.tif", 10) as on_progress:
        on_progress(10)
    assert capsys.readouterr().err == ""


def test_the_end_tells_files_shares_and_what_has_no_data(tmp_path, capsys):
    file = tmp_path / "town_classes.tif"
    file.write_bytes(bytes(30_000))
    found = {"roof": 250_000, "road": 125_000}
    print_result("town.tif", FinishedMap((Path(file),), 1_000_000, 500_000, found, 2.0))
    told = capsys.readouterr().out
    assert f"{file}  0.03 MB" in told
    assert "town.tif: roof 50.0%, road 25.0% of the valid pixels; no data 50.0%" in told
    assert "1.00 MP in 2.0 s, 0.50 MP/s" in told


def test_one_class_alone_is_told(capsys):
    alone = make(ClassAccuracy("a", 4, 9, None), mean=None)
    print_accuracy(alone, "s.tif")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "examples; too few polygons to estimate the accuracy:"
    assert lines[2:3] == ["  a             4       9  -"]
    assert lines[3] == describe_lone_class(alone)


def test_everything_is_told_in_turn(capsys):
    print_accuracy(OWN, "s.tif")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "expected accuracy on 's.tif', each polygon predicted from the others:"
    assert lines[1:6] == [f"  {line}" for line in list_accuracy(OWN)]
    assert lines[6:] == [advise(OWN)]
