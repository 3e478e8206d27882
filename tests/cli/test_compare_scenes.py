import argparse
import json

import pytest

from fewscape.cli import compare
from fewscape.core import ConfigError, DatasetError
from tests.benchmark.invented_scenes import halves, thirds, write_folder

FILES = {"results.json", "table.md", "curves.png"}


@pytest.fixture
def folder(tmp_path):
    scenes = {"a": thirds(), "b": thirds()[::-1].copy(), "c": halves(0, 2)}
    return write_folder(tmp_path / "toy", scenes, has_nir=True)


@pytest.fixture
def run(tmp_path):
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)

    def call(*words):
        told = ["--models", "maximum_likelihood", "--output", tmp_path / "out", *words]
        return compare.run(parser.parse_args([str(word) for word in told]))

    return call


def test_writes_every_file(run, folder, tmp_path, capsys):
    options = ("--polygons", "1,2", "--num_scenes", 2, "--tasks", "all,across")
    assert run("--scenes", f"{folder},{folder}+nir", *options) == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert len(results["records"]) == 2 * 2 * 2 * 2
    assert [cell["polygons"] for cell in results["cells"]] == [1, 2, 1, 2]
    assert set(results["cells"][0]["sets"]) == {"toy", "toy+nir"}
    assert results["options"]["num_scenes"] == 2
    printed = capsys.readouterr().out
    assert "maximum_likelihood" in printed
    assert "curves.png" in printed


def test_maps_that_fail_are_told(run, folder, capsys, monkeypatch):
    monkeypatch.setattr("fewscape.cli.main.main", lambda words: 2)
    assert run("--scenes", folder, "--polygons", 1, "--num_scenes", 1) == 0
    assert "1 maps failed and count as empty; the first error: exit code 2" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "some"], "there is no task 'some'"),
        (["--forms", "objects"], "'all' was asked for with the form 'objects'"),
        (["--limit", "3"], "--limit was given with --scenes; scenes come from their folders"),
        (["--folds", "aerial4"], "--folds was given with --scenes"),
        (["--weights", "w.pt"], "--weights was given with --scenes; .* as in prototype@w.pt"),
        (["--tasks", "across", "--num_scenes", "1"], "'across' was asked for with --num_scenes 1"),
        (["--models", "no_such"], "'no_such' is neither a model nor a model folder"),
        (["--models", "embedded,embedded"], "two models are called 'embedded'"),
        (["--tasks", "absent", "--num_scenes", "2"], "no scene fits the tasks absent"),
    ],
)
def test_what_makes_no_sense_is_refused(run, tmp_path, words, message):
    folder = write_folder(tmp_path / "plain", {"a": halves(0, 1), "b": halves(0, 1)})
    with pytest.raises(ConfigError, match=message):
        run("--scenes", folder, *words)


def test_two_folders_of_one_name_are_refused(run, folder):
    with pytest.raises(ConfigError, match="two folders are called 'toy'"):
        run("--scenes", f"{folder},{folder}")


def test_a_missing_folder_is_told(run, tmp_path):
    with pytest.raises(DatasetError, match=r"there is no .*nowhere"):
        run("--scenes", tmp_path / "nowhere")


def test_options_of_scenes_need_scenes(run):
    with pytest.raises(ConfigError, match="--polygons was given without --scenes; only --scenes"):
        run("--polygons", 3)


def test_something_to_compare_on_is_needed(run):
    with pytest.raises(
        ConfigError, match="neither episodes nor scenes were given; expected --episodes FILE and"
    ):
        run()
