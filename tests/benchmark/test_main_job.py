import dataclasses

import numpy as np
import pytest

from fewscape.benchmark.main_job.jobs import JobModel, MainJob, check_task
from fewscape.benchmark.main_job.scenes import choose_scenes
from fewscape.cli.main import main
from fewscape.core import ConfigError
from tests.benchmark.invented_scenes import halves, thirds, write_folder

MODEL = JobModel.parse("maximum_likelihood")


@pytest.fixture
def job(tmp_path):
    scenes = {"a": thirds(), "b": thirds()[::-1].copy(), "c": halves(0, 2)}
    return MainJob(choose_scenes(write_folder(tmp_path / "toy", scenes), 3), main)


def index(job: MainJob, name: str) -> int:
    return [scene.name for scene in job.scenes].index(name)


@pytest.mark.parametrize(
    ("task", "form", "maps"),
    [
        ("all", "areas", 1),
        ("all", "scribbles", 1),
        ("all", "points", 1),
        ("one", "areas", 3),
        ("across", "areas", 1),
    ],
)
def test_easy_scenes_are_mapped_well_by_the_real_command(job, task, form, maps, capfd):
    record = job.run(index(job, "a"), task, form, 2, MODEL)
    assert record["failures"] == []
    assert record["maps"] == maps
    assert record["score"] > 0.8
    assert record["score"] == pytest.approx(np.mean(list(record["classes"].values())))
    assert record["seconds"] > 0
    assert capfd.readouterr().out == ""


def test_one_class_alone_is_scored(job):
    record = job.run(index(job, "c"), "alone", "areas", 1, MODEL)
    assert set(record["classes"]) == {"grass", "water"}
    assert all(0 <= score <= 1 for score in record["classes"].values())


def test_a_class_that_is_not_there_is_hardly_found(job):
    record = job.run(index(job, "a"), "absent", "areas", 2, MODEL)
    assert (record["target"], list(record["classes"])) == ("c", ["roof"])
    assert record["score"] < 0.2


def test_maps_are_shown_to_whoever_keeps_them(job):
    shown = []
    job.run(index(job, "c"), "all", "areas", 1, MODEL, shown.append)
    assert [found.shape for found in shown] == [(64, 64)]


def test_every_band_is_mapped(tmp_path):
    folder = write_folder(tmp_path / "toy", {"a": halves(0, 1)}, has_nir=True)
    record = MainJob(choose_scenes(f"{folder}+nir", 1), main).run(0, "all", "areas", 1, MODEL)
    assert record["dataset"] == "toy+nir"
    assert record["score"] > 0.75


def test_a_command_that_fails_scores_nothing_and_says_why(job):
    record = job.run(index(job, "a"), "one", "areas", 1, JobModel.parse("no_such_model"))
    assert record["score"] == 0
    assert len(record["failures"]) == 3
    assert record["failures"][0].startswith("error: 'no_such_model' is neither a model")
    absent = job.run(index(job, "a"), "absent", "areas", 1, JobModel.parse("no_such_model"))
    assert absent["score"] is None


def test_an_option_that_the_command_refuses_is_a_failure(job):
    model = JobModel("odd", ("--model", "maximum_likelihood", "--no_such_option"))
    record = job.run(0, "all", "areas", 1, model)
    assert "no_such_option" in record["failures"][0]


def test_stopping_by_hand_stops(job):
    stopped = MainJob(job.scenes, lambda words: 130)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(0, "all", "areas", 1, MODEL)


def test_what_the_command_is_told(job):
    told = []
    spy = MainJob(job.scenes, lambda words: told.append(words) or 2, options=("--device", "cpu"))
    model = JobModel.parse("mine=prototype@some/w.safetensors")
    spy.run(index(job, "a"), "across", "points", 1, model)
    (words,) = told
    assert words[0] == "map"
    text = " ".join(words)
    assert "--model prototype --weights some/w.safetensors --buffer 3 --device cpu" in text
    assert "--example_scene" in text
    assert "--no_vectors" in text


@pytest.mark.parametrize(
    ("text", "label", "options"),
    [
        ("ensemble", "ensemble", ("--model", "ensemble")),
        ("runs/x/best", "best", ("--model", "runs/x/best")),
        ("a=runs/x/best", "a", ("--model", "runs/x/best")),
        ("p@w/v.pt", "p@v", ("--model", "p", "--weights", "w/v.pt")),
    ],
)
def test_models_by_name(text, label, options):
    assert JobModel.parse(text) == JobModel(label, options)


@pytest.mark.parametrize("text", ["", "a=", "p@", "=b"])
def test_no_model(text):
    with pytest.raises(ConfigError, match=f"'{text}' names no model; expected MODEL"):
        JobModel.parse(text)


@pytest.mark.parametrize(
    ("task", "form", "message"),
    [
        ("al", "areas", "there is no task 'al'; did you mean 'all'"),
        ("all", "area", "'area' is no form of drawing; did you mean 'areas'"),
        ("all", "objects", "'all' was asked for with the form 'objects'; the ring"),
    ],
)
def test_what_makes_no_sense_is_refused(task, form, message):
    with pytest.raises(ConfigError, match=message):
        check_task(task, form)


def test_a_case_has_the_fields_of_its_record(job):
    case = job.case(0, "all", "areas", 1, MODEL)
    record = job.run(0, "all", "areas", 1, MODEL)
    assert dataclasses.asdict(case).items() <= record.items()
