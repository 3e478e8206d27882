import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import fewscape
from fewscape.core import Episode, ManifestError, Policy
from fewscape.datasets import FolderDataset, Manifest, ManifestEpisodes, ShareLimits
from fewscape.datasets.fingerprint import hash_labels
from fewscape.datasets.making import make_manifest
from fewscape.evaluation import evaluate
from tests.datasets.invented import write_dataset
from tests.evaluation.doubles import NearColour
from tests.reference import iou as reference

POLICY = Policy(torch.device("cpu"), torch.float32)
KEYS = {"miou", "miou_ci95", "fb_iou", "per_class", "model", "episodes_sha256", "seconds",
        "device", "precision", "version"}  # fmt: skip
CLASS_KEYS = {"dataset", "class_name", "iou", "ci95", "episodes", "intersection", "union"}


@pytest.fixture(params=[1, 2])
def manifest(tmp_path, request):
    datasets = [FolderDataset(write_dataset(tmp_path / name, 5, seed=i)) for i, name in
                enumerate(("toy", "other"))]  # fmt: skip
    return make_manifest("test", datasets, ["blue"], request.param, 7, 20, ShareLimits(0.1, 0.8))[0]


def count_one_by_one(manifest, root):
    """Foreground and background counts of each class, an episode at a time by forward parts."""
    model = NearColour().eval()
    totals = {}
    episodes = ManifestEpisodes(manifest, root)
    for spec, episode in ((s, episodes[i]) for i, s in enumerate(manifest)):
        assert isinstance(episode, Episode)
        supports = [
            model.learn(model.encode(episode.support_images[:, s]), episode.support_masks[:, s])
            for s in range(episode.num_shots)
        ]
        logits = model.predict(model.encode(episode.query_image), supports).logits[0]
        prediction = (logits[1] > logits[0]).int().numpy()
        mask = episode.query_mask[0].numpy()
        for value in (0, 1):
            counts = reference.overlap(prediction, mask, value)
            before = totals.get((spec.key, value), (0, 0))
            totals[spec.key, value] = tuple(np.add(before, counts).tolist())
    return totals


def test_equals_one_episode_at_a_time(manifest, tmp_path):
    results = evaluate(NearColour(), manifest, tmp_path, policy=POLICY, batch_size=4)
    totals = count_one_by_one(manifest, tmp_path)
    assert set(results) == KEYS
    ious = []
    for row, key in zip(results["per_class"], manifest.classes, strict=True):
        assert set(row) == CLASS_KEYS
        assert (row["dataset"], row["class_name"]) == (key[0], manifest.classes[key])
        assert (row["intersection"], row["union"]) == totals[key, 1]
        assert row["iou"] == pytest.approx(row["intersection"] / row["union"])
        assert row["ci95"][0] <= row["iou"] <= row["ci95"][1]
        assert row["episodes"] == 7
        ious.append(row["iou"])
    assert results["miou"] == pytest.approx(np.mean(ious))
    assert results["miou_ci95"][0] <= results["miou"] <= results["miou_ci95"][1]
    both = [np.sum([totals[key, value] for key in manifest.classes], axis=0) for value in (0, 1)]
    assert results["fb_iou"] == pytest.approx(np.mean([i / u for i, u in both]))
    assert results["episodes_sha256"] == manifest.sha256
    assert results["model"] == "near_colour"
    assert results["version"] == fewscape.__version__
    assert results["seconds"] > 0
    assert results["miou"] > 0.5  # colours tell these classes apart
    json.dumps(results, allow_nan=False)


def test_every_window_is_encoded_once(manifest, tmp_path):
    model = NearColour()
    evaluate(model, manifest, tmp_path, policy=POLICY, batch_size=3)
    windows = {(crop.image, crop.window) for episode in manifest for crop in episode.crops}
    assert len(model.encoded) == len(windows)
    assert len(set(model.encoded)) == len(windows)
    assert len(windows) < sum(len(episode.crops) for episode in manifest)


def test_batch_size_and_memory_do_not_change_the_scores(manifest, tmp_path):
    scores = [
        evaluate(NearColour(), manifest, tmp_path, policy=POLICY, **options) | {"seconds": 0}
        for options in ({"batch_size": 1}, {"batch_size": 100}, {"max_feature_bytes": 0})
    ]
    assert scores[0] == scores[1] == scores[2]


def test_regions_progress_and_mode(manifest, tmp_path):
    model = NearColour("toy").train()
    told = []
    evaluate(
        model, manifest, tmp_path, "mine", POLICY,
        regions=lambda image: image[..., 0].astype(np.int32), batch_size=5,
        on_progress=told.append,
    )  # fmt: skip
    expected = sorted(np.frombuffer(b, np.uint8)[:400].sum() for b in model.encoded)
    assert sorted(model.region_sums) == expected
    assert told[-1] == len(manifest)
    assert told == sorted(told)
    assert model.training


def test_bfloat16_is_near(manifest, tmp_path):
    exact = evaluate(NearColour(), manifest, tmp_path, policy=POLICY)
    coarse = evaluate(
        NearColour(), manifest, tmp_path, policy=Policy(torch.device("cpu"), torch.bfloat16)
    )
    assert math.isclose(exact["miou"], coarse["miou"], abs_tol=0.02)


def test_refuses_an_empty_manifest_and_missing_files(manifest, tmp_path):
    with pytest.raises(ManifestError, match="the manifest has no episodes"):
        evaluate(NearColour(), Manifest("empty", ()), tmp_path)
    with pytest.raises(ManifestError, match="which does not exist under"):
        evaluate(NearColour(), manifest, tmp_path / "elsewhere")


def test_labels_of_another_version_of_the_data_are_refused(manifest, tmp_path):
    sha256 = hash_labels(tmp_path, manifest.label_files)
    results = evaluate(NearColour(), manifest, tmp_path, policy=POLICY)
    known = replace(manifest, labels_sha256=sha256)
    again = evaluate(NearColour(), known, tmp_path, policy=POLICY)
    assert again["per_class"] == results["per_class"]
    path = tmp_path / known.label_files[-1]
    labels = np.array(Image.open(path))
    Image.fromarray(labels[::-1].copy()).save(path)
    evaluate(NearColour(), manifest, tmp_path, policy=POLICY)
    for each in (known, known.select(limit=1)):
        with pytest.raises(ManifestError, match="are not those the manifest 'test' was made for"):
            evaluate(NearColour(), each, tmp_path, policy=POLICY)
