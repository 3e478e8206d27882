import numpy as np

from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.benchmark.main_job.tasks import MOST_TURNS, plan_jobs
from tests.benchmark.invented_scenes import NAMES, halves, thirds


def scene(labels: np.ndarray, names: dict[int, str] = NAMES, name: str = "a") -> JobScene:
    return JobScene("toy", name, np.zeros((3, *labels.shape), np.uint8), labels, names)


def test_all_classes_are_drawn_and_scored():
    (job,) = plan_jobs("all", [scene(thirds())], 0)
    assert job.names == NAMES
    assert job.scored == (0, 1, 2)


def test_one_class_has_its_turn_against_background():
    jobs = plan_jobs("one", [scene(thirds())], 0)
    assert [job.scored for job in jobs] == [(0,), (1,), (2,)]
    assert jobs[1].names == {0: "background", 1: "roof", 2: "background"}


def test_one_alone():
    jobs = plan_jobs("alone", [scene(halves(0, 2))], 0)
    assert [job.names for job in jobs] == [{0: "grass"}, {2: "water"}]


def test_background_has_no_turn_but_is_drawn():
    own = scene(halves(0, 1), {0: "Background", 1: "turf"})
    assert [job.scored for job in plan_jobs("one", [own], 0)] == [(1,)]
    assert plan_jobs("all", [own], 0)[0].scored == (0, 1)


def test_not_every_class_of_a_rich_scene_has_its_turn():
    labels = np.repeat(np.arange(6, dtype=np.uint8), 10)[None].repeat(60, axis=0)
    rich = scene(labels, {number: f"c{number}" for number in range(6)})
    assert len(plan_jobs("one", [rich], 0)) == MOST_TURNS


def test_across_takes_the_next_scene_with_two_common_classes():
    scenes = [scene(thirds()), scene(halves(0, 0), name="b"), scene(halves(0, 2), name="c")]
    (job,) = plan_jobs("across", scenes, 0)
    assert (job.source.name, job.target.name, job.scored) == ("a", "c", (0, 2))
    assert plan_jobs("across", scenes, 1) == []


def test_absent_takes_a_class_that_the_other_scene_does_not_show():
    scenes = [scene(thirds()), scene(halves(0, 2), name="b")]
    (job,) = plan_jobs("absent", scenes, 0)
    assert (job.target.name, job.scored) == ("b", (1,))
    assert job.names[1] == "roof"
    assert job.names[0] == "background"
    assert plan_jobs("absent", scenes, 1) == []


def test_absent_needs_ground_that_was_drawn():
    scenes = [scene(halves(0, 1)), scene(halves(2, 2), name="b")]
    assert plan_jobs("absent", scenes, 0) == []


def test_only_classes_that_come_in_objects_are_outlined():
    labels = np.zeros((120, 120), np.uint8)
    for row in range(10, 110, 30):
        labels[row : row + 12, 20:40] = 1
    labels[60:, 60:] = 2
    jobs = plan_jobs("alone", [scene(labels)], 0, "objects")
    assert [job.scored for job in jobs] == [(1,)]
    assert len(plan_jobs("alone", [scene(labels)], 0)) == 3
