import numpy as np
import pytest

from fewscape.cli.main import main
from tests.cli.test_map import brightness_model, first_roof, lit_roofs, read_classes, run
from tests.mapping.test_segmenter import BrightnessModel
from tests.raster.rasters import UTM, write_raster
from tests.raster.test_polygons import write_polygons

__all__ = ["brightness_model"]  # a fixture for every test here


@pytest.fixture
def given(tmp_path):
    return (
        write_raster(tmp_path / "scene.tif", lit_roofs()),
        write_polygons(tmp_path / "roofs.geojson", [first_roof()], ["roof"], UTM),
    )


def test_a_dry_run_tells_the_cost_and_writes_nothing(tmp_path, given, capsys):
    assert run(*given, tmp_path / "out", "--dry_run", "--max_memory", "1GB") == 0
    told = capsys.readouterr().out
    assert "scene.tif: 12 windows, about 0 min" in told
    assert "MB of network and libraries" in told
    assert list((tmp_path / "out").iterdir()) == []


def test_shares_become_a_map_by_merge(tmp_path, given, capsys):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(*given, whole) == 0
    capsys.readouterr()
    assert run(*given, out, "--shard", "2/2") == 0
    assert "parts of other shards are missing" in capsys.readouterr().out
    assert main(["merge", str(out)]) == 2
    assert "parts of 'scene' (from part 1) are missing" in capsys.readouterr().err
    assert run(*given, out, "--shard", "1/2") == 0
    assert f"fewscape merge {out}" in capsys.readouterr().out
    assert main(["merge", str(out)]) == 0
    assert "roof" in capsys.readouterr().out
    names = {path.name for path in whole.iterdir()}
    assert {path.name for path in out.iterdir()} == names
    for name in names:
        if not name.endswith(".gpkg"):  # it holds the time of its making
            assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert main(["merge", str(out)]) == 2
    assert "finished maps need no merge" in capsys.readouterr().err


def test_the_same_command_goes_on(tmp_path, given, monkeypatch):
    monkeypatch.setenv("FEWSCAPE_CACHE", str(tmp_path / "cache"))
    calls = []
    original = BrightnessModel.encode

    def encode(self, images, regions=None):
        calls.append(len(images))
        if len(calls) == 10:
            raise KeyboardInterrupt
        return original(self, images, regions)

    monkeypatch.setattr(BrightnessModel, "encode", encode)
    write_raster(given[0], np.tile(lit_roofs(), (1, 4, 1)))
    out = tmp_path / "out"
    assert run(*given, out, "--batch_size", "4") == 130
    assert [path.name.startswith(".fewscape-scene-") for path in out.iterdir()] == [True]
    before = len(calls)
    assert run(*given, out, "--batch_size", "4") == 0
    assert len(calls) - before <= 8  # of 13 rows of windows
    assert (read_classes(out)[0] == 1).any()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_mistakes_are_told(tmp_path, given, capsys):
    assert run(*given, tmp_path / "out", "--max_memory", "1MB") == 2
    assert "needs" in capsys.readouterr().err
    for words in (["--max_memory", "2"], ["--shard", "3/2"], ["--shard", "0/2"]):
        with pytest.raises(SystemExit):
            run(*given, tmp_path / "out", *words)
        assert words[1] in capsys.readouterr().err
