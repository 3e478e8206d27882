import itertools
from typing import Any

import numpy as np
import pytest

from fewscape.benchmark.main_job.curves import draw_curves
from fewscape.benchmark.main_job.summary import flip_signs, mean_of_sets, summarise
from fewscape.benchmark.main_job.tables import make_means_table, make_sets_table, make_tests_table


def record(
    model: str, dataset: str, scene: int, score: float | None, **more: Any
) -> dict[str, Any]:
    fixed = {"task": "all", "form": "areas", "polygons": 3, "seed": 0}
    return {
        **fixed,
        **{"model": model, "dataset": dataset, "scene": str(scene), "score": score},
        **{"failures": [], "maps": 2, "seconds": 3.0},
        **more,
    }


def some_records(polygons: int = 3) -> list[dict[str, Any]]:
    scores = {
        "maximum_likelihood": {"a": [0.5, 0.7], "b": [0.2, 0.2, 0.2, 0.2]},
        "random_forest": {"a": [0.6, 0.8], "b": [0.2, 0.1, 0.2, 0.2]},
        "ours": {"a": [0.9, 0.6], "b": [0.3, 0.3, 0.4, 0.2]},
    }
    return [
        record(model, dataset, scene, score, polygons=polygons)
        for model, sets in scores.items()
        for dataset, values in sets.items()
        for scene, score in enumerate(values)
    ]


def test_means_are_those_of_the_sets():
    (cell,) = summarise(some_records())
    assert cell["models"]["ours"]["mean"] == pytest.approx((0.75 + 0.3) / 2)
    assert cell["sets"]["a"]["random_forest"] == pytest.approx(0.7)
    assert cell["models"]["ours"]["seconds_per_map"] == 1.5
    low, high = cell["models"]["ours"]["ci95"]
    assert low < 0.525 < high


def test_the_best_yardstick_is_what_others_are_tested_against():
    (cell,) = summarise(some_records())
    assert cell["yardstick"] == "random_forest"
    test = cell["tests"]["ours"]
    assert test["difference"] == pytest.approx((0.05 + 0.125) / 2)
    assert (test["wins"], test["losses"]) == (4, 1)
    assert test["sets"]["b"] == pytest.approx(0.125)
    assert test["p_holm"] >= test["p"]
    assert set(cell["tests"]) == {"ours", "maximum_likelihood"}


def test_without_yardsticks_the_first_model_is_one():
    (cell,) = summarise([record("x", "a", 0, 0.5), record("y", "a", 0, 0.6)])
    assert cell["yardstick"] == "x"
    assert cell["models"]["x"]["ci95"] is None


def test_less_is_better_for_a_class_that_is_not_there():
    records = [
        record(model, "a", scene, score, task="absent")
        for model, score in (("maximum_likelihood", 0.3), ("random_forest", 0.1), ("ours", 0.2))
        for scene in range(2)
    ]
    (cell,) = summarise(records)
    assert cell["is_share"]
    assert cell["yardstick"] == "random_forest"
    assert cell["tests"]["ours"]["losses"] == 2
    assert "less is better" in "\n".join(make_means_table([cell]))


def test_an_incomplete_yardstick_is_not_the_best():
    records = [each for each in some_records() if each["model"] != "random_forest"]
    (cell,) = summarise([*records, record("random_forest", "a", 0, 0.99)])
    assert cell["yardstick"] == "maximum_likelihood"
    assert not cell["models"]["random_forest"]["is_complete"]
    assert "(1 scenes)" in "\n".join(make_means_table([cell]))


def test_scenes_without_a_score_are_left_out_and_failures_counted():
    failed = record("x", "a", 0, None, task="absent", failures=["error: no"])
    assert summarise([failed]) == []
    (cell,) = summarise([failed, record("x", "a", 1, 0.1, task="absent")])
    assert cell["models"]["x"]["scenes"] == 1
    assert cell["models"]["x"]["failures"] == 1


def test_the_test_counts_all_signs():
    groups = [np.array([0.2, 0.1]), np.array([0.05, -0.02, 0.1])]
    exact = []
    for signs in itertools.product([-1, 1], repeat=5):
        flipped = [groups[0] * signs[:2], groups[1] * signs[2:]]
        exact.append(abs(np.mean([own.mean() for own in flipped])))
    observed = mean_of_sets({"a": groups[0], "b": groups[1]})
    expected = np.mean(np.array(exact) >= observed - 1e-12)
    assert flip_signs(groups) == pytest.approx(expected, abs=0.02)


def test_no_difference_is_no_evidence():
    assert flip_signs([np.zeros(3), np.zeros(1)]) == 1


def test_a_clear_difference_is_evidence():
    assert flip_signs([np.full(12, 0.1)]) < 0.01


def test_tables_name_every_model():
    cells = summarise([*some_records(1), *some_records(3)])
    means, tests = "\n".join(make_means_table(cells)), "\n".join(make_tests_table(cells))
    assert "| model | 1 a class | 3 a class | s a map |" in means
    assert "| ours | 52.5 [" in means
    assert "| *43.8 [" in means
    assert "| all, areas, 3 | ours | random_forest | +8.8 [" in tests
    assert "| 4 : 1 | a +5.0 |" in tests
    assert "| ours | 75.0 | 30.0 |" in "\n".join(make_sets_table(cells))


@pytest.mark.parametrize("counts", [[3], [1, 3]])
def test_curves_are_drawn(tmp_path, counts):
    cells = summarise([each for count in counts for each in some_records(count)])
    draw_curves(cells, tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
