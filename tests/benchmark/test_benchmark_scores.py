"""A benchmark's numbers, computed again from the counts by loops."""

import numpy as np
import pytest
import torch

from fewscape.benchmark.published import RunCounts, score_benchmark
from fewscape.benchmark.published.scores import source_scene
from fewscape.core import ResultsError, Window
from fewscape.datasets import Crop, EpisodeSpec, Manifest
from fewscape.evaluation import compare_pair
from fewscape.metrics import EpisodeOverlap

CLASSES = {0: ("ship", "tank"), 1: ("bridge", "plane")}
EPISODES = 24


def make_manifest(fold):
    """Episodes of two classes on tiles of six scenes."""
    episodes = []
    for number in range(EPISODES):
        class_id = 1 + 2 * fold + number % 2
        crops = [
            Crop(
                f"d/images/P{(number + shift) % 6:04d}_0_256_{number}_9.png",
                "d/l.tif",
                Window(0, 0, 8, 8),
            )
            for shift in (0, 1)
        ]
        name = CLASSES[fold][number % 2]
        episodes.append(EpisodeSpec("d", class_id, name, crops[0], (crops[1],)))
    return Manifest(f"fold{fold}", tuple(episodes))


MANIFESTS = {fold: make_manifest(fold) for fold in CLASSES}


def make_counts(rng, skill):
    union = rng.integers(100, 200, (EPISODES, 2))
    share = np.clip(skill + rng.normal(0, 0.05, (EPISODES, 2)), 0, 1)
    group = torch.arange(EPISODES) % 2
    return EpisodeOverlap(
        torch.from_numpy((share * union).astype(np.int64)), torch.from_numpy(union), group
    )


@pytest.fixture(scope="module")
def tested():
    rng = np.random.default_rng(0)
    return [
        RunCounts(model, fold, seed, make_counts(rng, skill))
        for model, skill in (("a", 0.5), ("b", 0.4))
        for fold in CLASSES
        for seed in range(3)
    ]


@pytest.fixture(scope="module")
def scores(tested):
    return score_benchmark(MANIFESTS, tested)


def literal_iou(run, group):
    """Accumulate over the episodes, then divide."""
    intersection = union = 0
    for index in range(EPISODES):
        if int(run.counts.group[index]) == group:
            intersection += int(run.counts.intersection[index, 1])
            union += int(run.counts.union[index, 1])
    return intersection / union


def test_means_are_those_of_loops(tested, scores):
    for model in ("a", "b"):
        own = [run for run in tested if run.model == model]
        by_seed = []
        for seed in range(3):
            folds = [
                np.mean([literal_iou(run, group) for group in (0, 1)])
                for run in own
                if run.seed == seed
            ]
            by_seed.append(np.mean(folds))
        found = scores["models"][model]
        assert found["seeds"] == pytest.approx(by_seed)
        assert found["miou"] == pytest.approx(np.mean(by_seed))
        for row in found["classes"]:
            group = CLASSES[row["fold"]].index(row["class_name"])
            each = [literal_iou(run, group) for run in own if run.fold == row["fold"]]
            assert row["iou"] == pytest.approx(np.mean(each))
            assert row["episodes"] == EPISODES / 2
        for fold in found["folds"]:
            rows = [row["iou"] for row in found["classes"] if row["fold"] == fold["fold"]]
            assert fold["miou"] == pytest.approx(np.mean(rows))
            assert fold["miou_ci95"][0] < fold["miou"] < fold["miou_ci95"][1]


def test_pairs_are_tested_over_scenes_and_over_trainings(tested, scores):
    (pair,) = scores["pairs"]
    assert pair["difference"] == pytest.approx(
        scores["models"]["a"]["miou"] - scores["models"]["b"]["miou"]
    )
    assert pair["ci95"][0] < pair["difference"] < pair["ci95"][1]
    assert pair["p_holm"] == pair["p"] < 0.01
    assert pair["t_runs"] == 6
    assert pair["t_p_holm"] == pair["t_p"] < 0.01
    assert 0 < pair["power"] <= 1
    assert pair["detectable"] > 0


def test_one_training_is_the_paired_bootstrap_over_scenes(tested):
    runs = [run for run in tested if run.seed == 0 and run.fold == 0]
    found = score_benchmark({0: MANIFESTS[0]}, runs)["pairs"][0]
    a, b = ((run.counts.intersection[:, 1].numpy(), run.counts.union[:, 1].numpy()) for run in runs)
    scenes = [source_scene(episode.query.image) for episode in MANIFESTS[0]]
    expected = compare_pair(a, b, runs[0].counts.group.numpy(), scenes)
    assert (found["difference"], found["ci95"], found["p"]) == (
        expected.difference,
        expected.ci95,
        expected.p_value,
    )
    assert found["t_p"] is None


def test_a_network_with_nothing_to_learn_stands_beside_every_seed(tested):
    runs = [run for run in tested if run.model == "a" or run.seed == 0]
    (pair,) = score_benchmark(MANIFESTS, runs)["pairs"]
    assert pair["t_runs"] == 6


def test_missing_runs_and_other_episodes_are_refused(tested):
    with pytest.raises(
        ResultsError, match=r"'a' was tested with the seeds \[\[0, 1\], \[0, 1, 2\]\]"
    ):
        score_benchmark(
            MANIFESTS, [run for run in tested if (run.model, run.fold, run.seed) != ("a", 0, 2)]
        )
    other = {0: MANIFESTS[0], 1: MANIFESTS[1].select(limit=3)}
    with pytest.raises(ResultsError, match="on 24 episodes of fold 1; the manifest has 6"):
        score_benchmark(other, tested)


def test_tiles_of_a_scene_belong_together():
    assert source_scene("isaid5i/images/P0003_0_256_206_462.png") == "P0003"
    assert source_scene("dlrsd/images/airplane57.tif") == "airplane57"
