"""What the published protocols allow in training, seen in the episodes themselves."""

import json

import numpy as np
import pytest
import torch

from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset, image_stem
from fewscape.datasets.protocol_episodes import make_protocol_manifest
from fewscape.datasets.protocols import PROTOCOLS, novel_classes
from fewscape.datasets.published import prepare_dlrsd, prepare_isaid5i
from fewscape.training import EpisodeData
from fewscape.training.episode_sources import FolderSource
from tests.datasets.published.invented import write_dlrsd, write_dlrsd_lists, write_isaid_tiles


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    write_isaid_tiles(folder / "isaid", rng, "mgcl", tiles=80, classes=2)
    prepare_isaid5i(folder / "isaid", folder / "isaid5i")
    truth = write_dlrsd(folder / "downloads", rng)
    write_dlrsd_lists(folder / "downloads", truth)
    prepare_dlrsd(folder / "downloads", folder / "dlrsd")
    return folder


def open_training(root, name, fold, **settings):
    """Episodes that a recipe of the protocol trains on."""
    protocol = PROTOCOLS[name]
    dataset = FolderDataset(root / protocol.dataset, root=root)
    data = EpisodeData(
        FolderSource(str(root), (protocol.dataset,), protocol.train_split, protocol.lists),
        held_out=list(novel_classes(protocol, fold, dataset).values()),
        held_out_pixels=protocol.held_out_pixels,
        **{
            "skip_image_pixels": protocol.skip_image_pixels,
            "image_size": {"isaid5i": 64, "dlrsd": 12}[protocol.dataset],
            "min_share": 0.01,
            "max_share": 1.0,
            "batch_size": 10,
            "episodes_per_epoch": 100,
            "val_episodes": 40,
            "val_share": 0.3,
        }
        | settings,
    )
    data.setup("fit")
    return data, dataset


def read_crops(data):
    """Data set, class and crop of everything that an epoch and its validation show."""
    for episodes in (data._train, data._val.episodes):
        for index in range(len(episodes)):
            spec = episodes.sampler.sample(index)
            for crop in spec.crops:
                yield spec.class_name, crop


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_p3_trains_on_no_pixel_of_a_novel_class(root, fold):
    data, dataset = open_training(root, "isaid5i-p3", fold)
    novel = torch.tensor(list(novel_classes(PROTOCOLS["isaid5i-p3"], fold, dataset)))
    for batch in [*data.train_dataloader(), *data.val_dataloader()]:
        assert not torch.isin(batch.query_labels, novel).any()
    assert not {("isaid5i", int(number)) for number in novel} & set(data._train.sampler.keys)
    whole = {dataset.labels_path(i): dataset.read_labels(i) for i in range(len(dataset))}
    for _, crop in read_crops(data):
        assert not np.isin(whole[crop.labels], novel.numpy()).any()
    shown, _ = open_training(root, "isaid5i-p1", fold)  # whereas P1 keeps such tiles
    assert any(np.isin(whole[crop.labels], novel.numpy()).any() for _, crop in read_crops(shown))


def test_p2_leaves_a_training_tile_out_from_its_threshold_on(root):
    """An object of the invented tiles has 64 pixels, unless another one covers some."""
    assert PROTOCOLS["isaid5i-p2"].skip_image_pixels == 2048
    kept = {}
    for least in (64, 65):
        data, dataset = open_training(root, "isaid5i-p3", 0, skip_image_pixels=least)
        kept[least] = {crop.labels for _, crop in read_crops(data)}
    novel = list(novel_classes(PROTOCOLS["isaid5i-p3"], 0, dataset))
    counts = {
        dataset.labels_path(i): np.isin(dataset.read_labels(i), novel).sum()
        for i in range(len(dataset))
    }
    assert all(counts[path] < 64 for path in kept[64])
    assert any(counts[path] == 64 for path in kept[65])
    assert all(counts[path] < 65 for path in kept[65])


@pytest.mark.parametrize("fold", [0, 1, 2])
@pytest.mark.parametrize("elsewhere", [0.0, 0.5])
def test_dlrsd_b_trains_on_listed_pairs_alone(root, fold, elsewhere):
    data, _ = open_training(root, "dlrsd-b", fold, elsewhere=elsewhere)
    lists = json.loads((root / "dlrsd" / "lists.json").read_text())["dlrsd-b"]["train"]
    listed = {
        (class_name, image)
        for number, own in enumerate(lists)
        for class_name, images in own.items()
        for image in images
        if number != fold
    }
    supports = set()
    for index in range(100):
        spec = data._train.sampler.sample(index)
        supports |= {(spec.class_name, crop.image.split("/")[-1][:-4]) for crop in spec.support}
        if not elsewhere:
            supports.add((spec.class_name, spec.query.image.split("/")[-1][:-4]))
    assert supports <= listed
    assert {name for name, _ in supports} == {name for name, _ in listed}
    assert data.describe()["data"] == "dlrsd, by the lists dlrsd-b"


@pytest.mark.parametrize("fold", [0, 1, 2])
@pytest.mark.parametrize("name", ["dlrsd-c", "dlrsd-c-b"])
def test_the_clean_split_shares_no_image_between_training_and_test(root, name, fold):
    data, dataset = open_training(root, name, fold)
    trained = {crop.image for _, crop in read_crops(data)}
    manifest = make_protocol_manifest(name, dataset, fold, 2)
    tested = {crop.image for each in manifest for crop in each.crops}
    assert not trained & tested
    open_to_all = {image_stem(dataset, index) for index in range(len(dataset))}
    assert len(trained) + len(tested) <= len(open_to_all)


def test_training_episodes_do_not_depend_on_workers(root):
    batches = []
    for workers in (0, 2):
        data, _ = open_training(root, "dlrsd-b", 0, num_workers=workers, episodes_per_epoch=20)
        batches.append(list(data.train_dataloader()))
    for first, second in zip(*batches, strict=True):
        assert torch.equal(first.query_image, second.query_image)
        assert torch.equal(first.support_masks, second.support_masks)


def test_a_missing_data_set_says_what_to_download(tmp_path):
    with pytest.raises(DatasetError, match=r"https://captain-whu\.github\.io/iSAID"):
        FolderSource(str(tmp_path), ("isaid5i",), "train").open()
