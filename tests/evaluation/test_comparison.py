import csv
import io
import itertools

import pytest
import torch
from PIL import Image
from rich.console import Console

from fewscape.core import Output, Policy
from fewscape.datasets import FolderDataset, ManifestEpisodes, ShareLimits
from fewscape.datasets.making import make_manifest
from fewscape.evaluation import Candidate, compare_counts, count_episodes, evaluate, join_counted
from fewscape.evaluation.charts import draw_bars
from fewscape.evaluation.comparison_tables import (
    make_comparison_tables,
    write_csv,
    write_markdown,
)
from tests.datasets.invented import write_dataset
from tests.evaluation.doubles import NearColour

POLICY = Policy(torch.device("cpu"), torch.float32)


class Everything(NearColour):
    """Calls everything foreground."""

    def predict_shot(self, features, support):
        background = torch.zeros_like(features.maps[0][:, :1])
        return Output(torch.cat([background, background + 1], dim=1), features.size)


@pytest.fixture
def manifest(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 5))
    return make_manifest("test", [dataset], [], 1, 6, 20, ShareLimits(0.1, 0.8))[0]


@pytest.fixture
def counted(manifest, tmp_path):
    candidates = {"near": Candidate(NearColour()), "all": Candidate(Everything())}
    return count_episodes(candidates, manifest, tmp_path, POLICY, batch_size=4, keep=[0, 5])


def test_each_network_scores_as_it_does_alone(manifest, counted, tmp_path):
    results = compare_counts(manifest, counted)
    for name, model in (("near", NearColour()), ("all", Everything())):
        alone = evaluate(model, manifest, tmp_path, policy=POLICY)
        assert results["models"][name] == {key: alone[key] for key in results["models"][name]}


def test_the_pair_is_tested_on_the_same_episodes(manifest, counted):
    results = compare_counts(manifest, counted)
    (pair,) = results["pairs"]
    assert (pair["first"], pair["second"]) == ("near", "all")
    difference = results["models"]["near"]["miou"] - results["models"]["all"]["miou"]
    assert pair["difference"] == pytest.approx(difference)
    assert pair["ci95"][0] <= difference <= pair["ci95"][1]
    assert pair["p"] == pair["p_holm"] < 0.05


def test_parts_that_are_joined_score_as_the_whole(manifest, tmp_path):
    def count(part):
        return count_episodes({"near": Candidate(NearColour())}, part, tmp_path, POLICY, keep=[0])

    names = list(dict.fromkeys(manifest.classes.values()))
    parts = [manifest.select([name]) for name in names]
    joined, counted = join_counted([(part, count(part)) for part in parts])
    assert list(joined.classes.values()) == names
    whole = compare_counts(manifest, count(manifest))["models"]["near"]
    assert compare_counts(joined, counted)["models"]["near"]["miou"] == whole["miou"]
    assert sorted(counted.kept) == list(itertools.accumulate(map(len, parts[:-1]), initial=0))


def test_the_terminal_shows_scores_and_tests(manifest, counted):
    console = Console(width=100, record=True, file=io.StringIO())
    for table in make_comparison_tables(compare_counts(manifest, counted)):
        console.print(table)
    told = console.export_text()
    assert "mIoU" in told
    assert "near - all" in told


def test_predictions_that_were_asked_for_are_kept(manifest, counted, tmp_path):
    assert sorted(counted.kept) == [0, 5]
    assert all(found["all"].all() for found in counted.kept.values())
    mask = ManifestEpisodes(manifest, tmp_path)[5].query_mask[0]
    assert counted.kept[5]["near"].shape == mask.shape


def test_networks_keep_their_mode(manifest, tmp_path):
    models = [NearColour().train(), NearColour().eval()]
    candidates = {str(number): Candidate(model) for number, model in enumerate(models)}
    count_episodes(candidates, manifest, tmp_path, POLICY)
    assert [model.training for model in models] == [True, False]


def test_the_tables_say_what_the_numbers_are(manifest, counted):
    results = compare_counts(manifest, counted)
    table = write_markdown(results)
    assert table.startswith("| data set | class | near | all |\n|---|---|---|---|\n")
    best = results["models"]["near"]["per_class"][0]["iou"]
    assert f"| toy | ground | **{100 * best:.1f} (" in table
    assert "| near - all | +" in table
    rows = list(csv.DictReader(io.StringIO(write_csv(results))))
    assert len(rows) == 2 * len(manifest.classes)
    assert float(rows[0]["iou"]) == best


def test_the_chart_is_a_picture(manifest, counted, tmp_path):
    draw_bars(compare_counts(manifest, counted), tmp_path / "bars.png")
    with Image.open(tmp_path / "bars.png") as picture:
        assert picture.width > 600
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {(76, 106, 146), (228, 87, 46)} <= colours
