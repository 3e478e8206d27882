"""The whole scene mapped behind the page, by the real command."""

import time

import pyogrio
import pytest
import rasterio

from fewscape.core import ConfigError, OutputError
from fewscape.models import MaximumLikelihood
from fewscape.serve.jobs import JobRequest, MapJob, find_result, list_results
from fewscape.serve.session import Session, SessionOptions
from tests.serve.scenes import TWO_CLASSES, write_scene

PATIENCE = 120
OPTIONS = SessionOptions(model="maximum_likelihood")


@pytest.fixture
def session(tmp_path):
    made = Session([write_scene(tmp_path)], MaximumLikelihood, OPTIONS)
    yield made
    made.stop()


def wait_for(session, *states):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        report = session.report_map(session.desks[0])
        if report.state in states:
            return report
        time.sleep(0.05)
    raise AssertionError(f"the job is still {report}")


@pytest.mark.slow
def test_a_scene_is_mapped_with_all_its_files(session):
    desk = session.desks[0]
    desk.drawing.change(TWO_CLASSES)
    session.start_map(desk, 0.6)
    with pytest.raises(ConfigError, match=r"'scene.tif' is being mapped"):
        session.start_map(desk)
    report = wait_for(session, "done", "failed")
    assert report.trouble == ""
    assert report.done == 1
    wanted = {"scene_classes.tif", "scene_a_prob.tif", "scene.gpkg", "scene_preview.png"}
    assert {*wanted, "examples.gpkg", "report.html"} <= set(report.files)
    with rasterio.open(find_result(session.map_folder(desk), "scene_classes.tif")) as dataset:
        assert dataset.read(1)[30, 30] == 1
        assert dataset.read(1)[30, 100] == 2
    page = find_result(session.map_folder(desk), "report.html").read_text("utf-8")
    assert "fewscape map" in page
    assert "--threshold 0.6" in page
    assert "data:image/png" in page
    assert "http" not in page.replace("https://", "http")  # nothing from elsewhere
    # An earlier map is known to the next server, too.
    again = Session([desk.path], MaximumLikelihood, OPTIONS)
    assert again.report_map(again.desks[0]).state == "done"


@pytest.mark.slow
def test_a_killed_map_goes_on_with_the_examples_that_it_began_with(session, monkeypatch):
    desk = session.desks[0]
    desk.drawing.change(TWO_CLASSES)
    session.start_map(desk)
    session.cancel_map(desk)
    assert wait_for(session, "cancelled", "done").state == "cancelled"
    desk.drawing.change([{"do": "drop_class", "name": "b"}])
    again = Session([desk.path], MaximumLikelihood, OPTIONS)  # the server was killed, too
    assert again.report_map(again.desks[0]).state == "cancelled"
    again.resume_map(again.desks[0])
    report = wait_for(again, "done", "failed")
    assert report.trouble == ""
    assert "scene_b_prob.tif" in report.files
    drawn = pyogrio.raw.read(again.map_folder(desk) / "examples.gpkg", layer=0)
    assert len(drawn[2]) == 4
    again.stop()


@pytest.mark.slow
def test_what_the_command_says_is_told(session):
    desk = session.desks[0]
    desk.drawing.change(TWO_CLASSES)
    request = JobRequest("/no/such.tif", str(desk.path), str(session.map_folder(desk)), None, ())
    MapJob.prepare(desk.drawing.path, request)
    session._run(desk, request)
    report = wait_for(session, "failed", "done")
    assert report.state == "failed"
    assert report.trouble.startswith("error:")
    assert "does not exist" in report.trouble


def test_a_folder_of_others_is_left_alone(session):
    desk = session.desks[0]
    desk.drawing.change(TWO_CLASSES)
    folder = session.map_folder(desk)
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files"):
        session.start_map(desk)


def test_only_results_are_handed_out(tmp_path):
    for name in ("x_classes.tif", "job.json", "job.log", ".hidden"):
        (tmp_path / name).write_text("")
    assert list_results(tmp_path) == ("x_classes.tif",)
    for name in ("job.json", "../x", ".hidden", "y.tif"):
        with pytest.raises(OutputError, match="there is no file"):
            find_result(tmp_path, name)


def test_the_command_can_be_pasted():
    request = JobRequest("a b.tif", "other.tif", "out", 0.5, ("--bands", "1,2"))
    assert request.command == (
        "fewscape map 'a b.tif' --examples out/examples.gpkg --output out "
        "--example_scene other.tif --threshold 0.5 --bands 1,2"
    )
