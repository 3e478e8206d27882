import logging

import numpy as np
import pytest

from fewscape.core import ConfigError, DatasetError
from fewscape.datasets import EpisodeSampler, FolderDataset, ShareLimits
from tests.datasets.invented import write_classes, write_dataset, write_pair

LIMITS = ShareLimits(0.1, 0.8)


@pytest.fixture
def datasets(tmp_path):
    names = ("toy", "other")
    return [FolderDataset(write_dataset(tmp_path / n, 6, seed=i)) for i, n in enumerate(names)]


def share(dataset, crop, class_id):
    paths = [dataset.image_path(index) for index in range(len(dataset))]
    return (dataset.read_labels(paths.index(crop.image), crop.window) == class_id).mean()


def test_images_are_distinct_and_shares_within_limits(datasets):
    sampler = EpisodeSampler(datasets, shots=3, window=20, limits=LIMITS, step=4)
    by_name = {dataset.name: dataset for dataset in datasets}
    for index in range(60):
        spec = sampler.sample(index)
        assert len({crop.image for crop in spec.crops}) == 4
        assert all(crop.image.startswith(spec.dataset + "/") for crop in spec.crops)
        for crop in spec.crops:
            assert 0.1 <= share(by_name[spec.dataset], crop, spec.class_id) <= 0.8
            assert crop.window[2:] == (20, 20)
    assert {sampler.sample(index).key for index in range(60)} == set(sampler.keys)


def test_an_episode_is_a_function_of_seed_epoch_and_index(datasets):
    first, again, other = (
        EpisodeSampler(datasets, window=20, limits=LIMITS, seed=seed) for seed in (3, 3, 4)
    )
    order = np.random.default_rng(0).permutation(30).tolist()
    shuffled = {index: first.sample(index) for index in order}
    straight = {index: again.sample(index) for index in range(30)}
    assert shuffled == straight
    assert [other.sample(i) for i in range(30)] != [again.sample(i) for i in range(30)]
    assert [again.sample(i, epoch=1) for i in range(30)] != list(straight.values())


def test_several_window_sizes_are_all_drawn(datasets):
    sampler = EpisodeSampler(datasets, window=(16, 24, 99), limits=LIMITS)
    sides = {crop.window.height for i in range(40) for crop in sampler.sample(i).crops}
    assert sides == {16, 24}  # no image has 99 pixels


def test_classes_that_too_few_images_hold_are_left_out_with_a_warning(tmp_path, caplog):
    folder = write_dataset(tmp_path / "toy", 3)
    write_classes(folder, {0: "ground", 1: "red", 2: "blue", 3: "rare"})
    labels = np.zeros((48, 48), np.uint8)
    labels[8:40, 8:40] = 3
    write_pair(folder, "rare", np.zeros((48, 48, 3), np.uint8), labels)
    with caplog.at_level(logging.WARNING):
        sampler = EpisodeSampler([FolderDataset(folder)], window=24, limits=LIMITS)
    assert sampler.skipped == (("toy", 3),)
    assert "toy / rare is skipped: fewer than 2 images" in caplog.text
    assert ("toy", 1) in sampler.keys


def test_refuses_what_cannot_be_drawn(datasets):
    with pytest.raises(DatasetError, match="each is in fewer than 10 images"):
        EpisodeSampler(datasets, shots=9, window=20)
    with pytest.raises(DatasetError, match="there is no class 8 in a data set 'toy'"):
        EpisodeSampler(datasets, [("toy", 8)])
    with pytest.raises(ConfigError, match="class 1 of 'toy' is both drawn and hidden"):
        EpisodeSampler(datasets, [("toy", 1)], hidden=[("toy", 1)])
    with pytest.raises(ConfigError, match="0 shots; expected at least 1"):
        EpisodeSampler(datasets, shots=0)


def test_queries_drawn_elsewhere_may_lack_the_class(datasets):
    plain, mixed = (
        EpisodeSampler(datasets, shots=2, window=20, limits=LIMITS, step=4, elsewhere=share)
        for share in (0.0, 0.5)
    )
    by_name = {dataset.name: dataset for dataset in datasets}
    moved = lacking = 0
    for index in range(100):
        expected, spec = plain.sample(index), mixed.sample(index)
        assert (spec.key, spec.support) == (expected.key, expected.support)
        assert spec.query.image not in {crop.image for crop in spec.support}
        moved += spec.query != expected.query
        lacking += share(by_name[spec.dataset], spec.query, spec.class_id) == 0
    assert 30 < moved < 70
    assert lacking > 5


def test_a_data_set_of_one_class_has_nothing_elsewhere(tmp_path):
    folder = write_dataset(tmp_path / "toy", 6)
    sampler = EpisodeSampler(
        [FolderDataset(folder)], [("toy", 1)], window=20, limits=LIMITS, step=4, elsewhere=1.0
    )
    assert {sampler.sample(index).key for index in range(5)} == {("toy", 1)}


def test_listed_pairs_alone_are_drawn(datasets):
    listed = {("toy", 1): {"000", "002", "004"}, ("toy", 2): {"001", "003", "005"}}
    sampler = EpisodeSampler(
        datasets, shots=2, window=20, limits=LIMITS, step=4, elsewhere=0.0, listed=listed
    )
    seen = {}
    for index in range(200):
        spec = sampler.sample(index)
        seen.setdefault(spec.key, set()).update(crop.image[-7:-4] for crop in spec.crops)
    assert {key: seen[key] for key in listed} == listed
    assert len(seen["other", 1]) == 6
    too_few = EpisodeSampler(
        datasets, shots=3, window=20, limits=LIMITS, step=4, listed={("toy", 1): {"000"}}
    )
    assert ("toy", 1) in too_few.skipped


def test_pairs_alike_draw_classes_by_their_images(tmp_path):
    folder = tmp_path / "toy"
    write_classes(folder, {0: "ground", 1: "often", 2: "rare"})
    for number in range(12):
        labels = np.zeros((32, 32), np.uint8)
        labels[4:20, 4:20] = 1 if number < 9 else 2
        write_pair(folder, f"{number:02d}", np.zeros((32, 32, 3), np.uint8), labels)
    datasets = [FolderDataset(folder)]
    keys = [("toy", 1), ("toy", 2)]
    counts = {}
    for share in (0.0, 1.0):
        sampler = EpisodeSampler(datasets, keys, window=None, limits=LIMITS, by_pairs=share)
        drawn = [sampler.sample(index) for index in range(800)]
        counts[share] = sum(each.class_id == 1 for each in drawn) / len(drawn)
    assert counts[0.0] == pytest.approx(0.5, abs=0.05)
    assert counts[1.0] == pytest.approx(0.75, abs=0.05)


def test_whole_images_of_any_size(tmp_path):
    folder = tmp_path / "toy"
    write_classes(folder, {0: "ground", 1: "object"})
    sizes = [(32, 32), (30, 33), (20, 40)]
    for number, (height, width) in enumerate(sizes):
        labels = np.zeros((height, width), np.uint8)
        labels[4:16, 4:16] = 1
        write_pair(folder, f"{number}", np.zeros((height, width, 3), np.uint8), labels)
    sampler = EpisodeSampler([FolderDataset(folder)], [("toy", 1)], window=None, limits=LIMITS)
    windows = {crop.window for index in range(30) for crop in sampler.sample(index).crops}
    assert windows == {(0, 0, *size) for size in sizes}
