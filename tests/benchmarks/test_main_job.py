import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import main_job, main_job_maps, main_job_report
from benchmarks.main_job_records import (
    KEY,
    append_record,
    forget_models,
    is_final,
    make_key,
    read_records,
)
from fewscape.benchmark.main_job.summary import summarise
from fewscape.core import ConfigError
from tests.benchmark.invented_scenes import halves, thirds, write_folder

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "main_job.json"


def record(model: str = "a", finished: str = "1", **more: object) -> dict[str, object]:
    fixed = dict.fromkeys(KEY, 0) | {"model": model, "finished": finished, "failures": []}
    return fixed | more


@pytest.fixture
def root(tmp_path):
    scenes = {"a": thirds(), "b": thirds()[::-1].copy()}
    write_folder(tmp_path / "data" / "dubai_mbrsc", scenes)
    write_folder(tmp_path / "data" / "other", {"c": halves(0, 1)})
    return tmp_path / "data"


@pytest.fixture
def arguments(root, tmp_path):
    return argparse.Namespace(
        root=root,
        work=tmp_path / "work",
        models=[["maximum_likelihood"], ["again=maximum_likelihood"]],
        sets=["dubai_mbrsc", "other"],
        tasks=["all"],
        forms=["areas"],
        polygons=(3, 10),
        scenes=2,
        seed=0,
        part=(1, 1),
    )


def test_records_are_read_back_by_what_there_is_one_of(tmp_path):
    append_record(tmp_path / "1.jsonl", record(score=1))
    append_record(tmp_path / "2.jsonl", record(score=2, finished="2"))
    append_record(tmp_path / "2.jsonl", record("b"))
    found = read_records(tmp_path)
    assert len(found) == 2
    assert found[make_key(record())]["score"] == 2


def test_a_failure_does_not_replace_a_score(tmp_path):
    append_record(tmp_path / "1.jsonl", record(score=1))
    append_record(tmp_path / "1.jsonl", record(score=0, finished="2", failures=["no"]))
    assert read_records(tmp_path)[make_key(record())]["score"] == 1


def test_defects_are_tried_again():
    assert is_final(record())
    assert is_final(record(failures=["error: the model takes no single class"]))
    assert not is_final(record(failures=["error: no", "defect: KeyError"]))


def test_an_unknown_model_is_told_before_the_work(arguments):
    arguments.models = [["no_such_model"]]
    with pytest.raises(ConfigError, match="'no_such_model' is neither a model nor a model folder"):
        main_job.run(arguments)


def test_a_line_that_was_cut_costs_only_itself(tmp_path):
    file = tmp_path / "1.jsonl"
    append_record(file, record("a"))
    with file.open("a") as opened:
        opened.write('{"dataset": "x", "sc')
    append_record(file, record("b"))
    assert [key[5] for key in read_records(tmp_path)] == ["a", "b"]


def test_models_are_forgotten(tmp_path):
    append_record(tmp_path / "1.jsonl", record("a"))
    append_record(tmp_path / "1.jsonl", record("b"))
    assert forget_models(tmp_path, ["a"]) == 1
    assert [key[5] for key in read_records(tmp_path)] == ["b"]
    assert read_records(tmp_path / "nothing") == {}


def test_a_run_goes_on_where_it_was_stopped(arguments, monkeypatch, capsys):
    calls = []
    real = main_job.MainJob.run

    def run(self, *words):
        calls.append(words)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, *words)

    monkeypatch.setattr(main_job.MainJob, "run", run)
    with pytest.raises(KeyboardInterrupt):
        main_job.run(arguments)
    main_job.run(arguments)
    assert len(calls) == 2 * 2 * 3 + 1
    assert len(read_records(arguments.work)) == 12
    main_job.run(arguments)
    assert len(calls) == 13
    assert "12/12 dubai_mbrsc" in capsys.readouterr().out


def test_parts_share_the_work(arguments):
    whole = [cell[1:] for cell in main_job.list_cells(arguments)]
    assert len(whole) == 6
    assert [cell[3] for cell in whole] == [3, 3, 3, 10, 10, 10]  # what matters most is first


def test_the_report_follows_from_the_records(arguments, tmp_path, monkeypatch):
    main_job.run(arguments)
    monkeypatch.setattr(main_job_report, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(main_job_report, "CURVES", tmp_path / "images" / "c.png")
    monkeypatch.setattr(main_job_report, "WORST", tmp_path / "images" / "w.jpg")
    main_job_report.write_report(arguments.root, arguments.work, 0, None)
    document = json.loads((tmp_path / "results" / "main_job.json").read_text())
    check_document(document)
    assert set(document["unseen"][0]["sets"]) == {"other"}
    assert set(document["seen"][0]["sets"]) == {"dubai_mbrsc"}
    text = (tmp_path / "results" / "main_job.md").read_text()
    assert "## 1 sets that taught the packaged weights nothing" in text
    assert "Three polygons a class give `again`" in text
    assert "| again |" in text
    with Image.open(tmp_path / "images" / "w.jpg") as picture:
        assert picture.size == (3 * 320 + 2 * 6, 2 * (320 + 18 + 6))  # two square scenes
    assert (tmp_path / "images" / "c.png").is_file()


def test_no_records_are_told(root, tmp_path):
    with pytest.raises(SystemExit, match="there are no records of seed 0"):
        main_job_report.write_report(root, tmp_path / "work", 0, None)


def test_only_sets_that_may_be_shown_keep_their_maps(tmp_path):
    own = {"task": "all", "form": "areas", "polygons": 3, "scene": "a", "model": "m", "seed": 0}
    assert main_job_maps.is_pictured(own | {"dataset": "dubai_mbrsc"})
    assert not main_job_maps.is_pictured(own | {"dataset": "turf"})
    assert not main_job_maps.is_pictured(own | {"dataset": "s2_india", "polygons": 1})
    kept = own | {"dataset": "s2_india"}
    main_job_maps.keep_map(tmp_path, kept, np.array([[-1, 2]], np.int16))
    assert main_job_maps.read_kept(tmp_path, kept).tolist() == [[255, 2]]


def test_every_set_and_task_is_planned():
    assert {task for task, _, _ in main_job.PLAN} == set(main_job.TASKS)
    assert len(set(main_job.PLAN)) == len(main_job.PLAN)
    assert set(main_job_report.SEEN) < set(main_job.SETS)


def test_the_committed_result_is_whole():
    if not RESULT.is_file():
        pytest.skip("there is no result yet")
    check_document(json.loads(RESULT.read_text()))


def check_document(document):
    """Its means follow from its scores."""
    assert document["format"] == main_job_report.FORMAT
    assert {"machine", "commits", "median_load", "yardsticks", "failures"} <= set(document)
    records = [
        {
            **dict(zip(("task", "form"), key.split()[:2], strict=True)),
            "polygons": int(key.split()[2]),
            **{"model": model, "dataset": dataset, "scene": scene, "score": score},
            **{"failures": [], "maps": 1, "seconds": 0.0},
        }
        for key, models in document["scores"].items()
        for model, sets in models.items()
        for dataset, scenes in sets.items()
        for scene, score in scenes.items()
    ]
    for name in ("unseen", "seen"):
        is_seen = name == "seen"
        own = [each for each in records if (each["dataset"] in main_job_report.SEEN) == is_seen]
        again = summarise(own, document["yardsticks"])
        assert len(again) == len(document[name])
        for one, other in zip(again, document[name], strict=True):
            for model, each in one["models"].items():
                assert each["mean"] == pytest.approx(other["models"][model]["mean"], abs=1e-4)
