import json
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, DatasetError
from fewscape.datasets import FolderDataset, image_stem
from fewscape.models import MGCL, Prototype
from fewscape.training import EpisodeData, FewShotSegmentation
from fewscape.training.episode_sources import FolderSource, SyntheticSource
from tests.datasets.invented import COLOURS, write_dataset

BLUE = torch.tensor(COLOURS[2].tolist())


@pytest.fixture
def make(tmp_path):
    """Episodes of two invented data sets of eight images."""
    for seed, name in enumerate(("one", "two")):
        write_dataset(tmp_path / name, 8, (96, 96), seed)

    def build(model=None, **settings):
        source = FolderSource(str(tmp_path), ("one", "two"))
        data = EpisodeData(
            source,
            **{"image_size": 64, "episodes_per_epoch": 12, "val_episodes": 12} | settings,
        )
        if model is not None:
            task = SimpleNamespace(model=model)
            data.trainer = SimpleNamespace(lightning_module=task, current_epoch=0)
        data.setup("fit")
        return data

    return build


def crops_of(episodes, length):
    return [crop for index in range(length) for crop in episodes.sampler.sample(index).crops]


def test_held_out_classes_are_unknown_and_never_background(make):
    data = make(held_out=["blue"], batch_size=4)
    seen = 0
    for batch in [*data.train_dataloader(), *data.val_dataloader()]:
        images = torch.cat([batch.query_image, batch.support_images[:, 0]])
        masks = torch.cat([batch.query_mask, batch.support_masks[:, 0]])
        is_blue = ((images.permute(0, 2, 3, 1).int() - BLUE).abs() <= 8).all(-1)
        assert (masks[is_blue] == 255).all()
        assert (batch.query_labels[is_blue[: len(batch.query_labels)]] == 255).all()
        seen += int(is_blue.sum())
    assert seen > 1000


def shows_blue(batch):
    images = torch.cat([batch.query_image, batch.support_images[:, 0]])
    return ((images.permute(0, 2, 3, 1).int() - BLUE).abs() <= 8).all(-1)


def test_held_out_classes_can_be_background_as_published(make):
    data = make(held_out=["blue"], held_out_pixels="background", batch_size=4)
    assert {class_id for _, class_id in data._train.sampler.keys} == {0, 1}
    for batch in data.train_dataloader():
        masks = torch.cat([batch.query_mask, batch.support_masks[:, 0]])
        assert (masks[shows_blue(batch)] == 0).all()


def test_images_of_held_out_classes_can_be_left_out(tmp_path):
    folder = write_dataset(tmp_path / "some", 16, (96, 96), 0)
    whole = FolderDataset(folder)
    for index in range(0, 16, 2):  # every second image shows no blue
        path = tmp_path / whole.labels_path(index)
        labels = whole.read_labels(index).copy()
        labels[labels == 2] = 0
        Image.fromarray(labels).save(path)
    data = EpisodeData(
        FolderSource(str(tmp_path), ("some",)),
        held_out=["blue"],
        held_out_pixels="skip_image",
        image_size=64,
        min_share=0.01,
    )
    data.setup("fit")
    names = {crop.image for crop in crops_of(data._train, 40)}
    allowed = {whole.image_path(index) for index in range(0, 16, 2)}
    assert names <= allowed


def test_a_split_bounds_the_images(tmp_path):
    folder = write_dataset(tmp_path / "some", 12, (96, 96), 0)
    whole = FolderDataset(folder, root=tmp_path)
    stems = [image_stem(whole, index) for index in range(12)]
    (folder / "splits.json").write_text(json.dumps({"train": stems[:8], "val": stems[8:]}))
    data = EpisodeData(FolderSource(str(tmp_path), ("some",), "train"), image_size=64)
    data.setup("fit")
    names = {crop.image for crop in crops_of(data._train, 60)}
    names |= {crop.image for crop in crops_of(data._val.episodes, 60)}
    assert names == {whole.image_path(index) for index in range(8)}
    with pytest.raises(ConfigError, match="test"):
        FolderSource(str(tmp_path), ("some",), "test").open()


def test_held_out_classes_are_never_drawn_and_left_out_ones_stay_background(make):
    data = make(held_out=["blue"], leave_out=["ground"])
    for episodes in (data._train, data._val.episodes):
        assert episodes.sampler.keys == (("one", 1), ("two", 1))
        assert episodes.sampler.hidden == {("one", 2), ("two", 2)}
    assert (data._train[0].query_mask == 0).any()


def test_validation_has_images_of_its_own(make):
    data = make(val_share=0.25)
    train, val = (
        {crop.image for crop in crops_of(episodes, 200)}
        for episodes in (data._train, data._val.episodes)
    )
    assert val == {f"{name}/images/00{number}.png" for name in ("one", "two") for number in (6, 7)}
    assert len(train) == 12
    assert not train & val


def test_training_episodes_change_with_the_epoch_and_validation_does_not(make):
    data = make()

    class At:
        current_epoch = 0

    data.trainer = At()
    first, check = (next(iter(data.train_dataloader())), next(iter(data.val_dataloader())))
    again = next(iter(data.train_dataloader()))
    At.current_epoch = 1
    second, same = (next(iter(data.train_dataloader())), next(iter(data.val_dataloader())))
    assert torch.equal(first.query_image, again.query_image)
    assert not torch.equal(first.query_image, second.query_image)
    assert torch.equal(check.query_image, same.query_image)


def test_validation_tells_the_classes_of_two_data_sets_apart(make):
    data = make(leave_out=["ground"], val_episodes=40)
    numbers = {int(data._val[index].class_id) for index in range(40)}
    assert numbers == {0, 1, 2, 3}


def test_shots_windows_and_regions_arrive_in_the_batch(make):
    model = MGCL(BackboneConfig("test_resnet"), region_options={"num_segments": 9})
    data = make(model, shots=2, windows=[48, 80])
    batch = next(iter(data.train_dataloader()))
    assert batch.support_images.shape == (8, 2, 3, 64, 64)
    assert batch.query_regions.shape == (8, 64, 64)
    assert batch.query_regions.dtype == torch.int32
    assert next(iter(data.val_dataloader())).support_masks.shape == (8, 1, 64, 64)


def test_region_maps_are_kept_in_the_store(make, tmp_path):
    for _ in range(2):
        data = make(MGCL(BackboneConfig("test_resnet")), region_store=str(tmp_path / "store"))
        batch = next(iter(data.train_dataloader()))
    assert batch.query_regions.max() > 1
    assert any((tmp_path / "store").rglob("*.png"))


def test_synthetic_scenes_serve_besides_folders(tmp_path):
    write_dataset(tmp_path / "one", 8, (96, 96))
    data = EpisodeData(
        FolderSource(str(tmp_path), ("one",)),
        SyntheticSource(num_scenes=5, size=256),
        image_size=64,
        episodes_per_epoch=4,
    )
    data.setup("fit")
    assert len({name for name, _ in data._train.sampler.keys}) == 2
    assert data.num_labels > 3
    assert data.describe() == {
        "data": "one, 5 synthetic scenes of 256 x 256 pixels",
        "held_out": [],
        "seed": 0,
    }


def test_a_network_without_regions_gets_none(make):
    data = make(Prototype(BackboneConfig("test_resnet")))
    assert next(iter(data.train_dataloader())).query_regions is None


def test_mistakes_are_told(make):
    with pytest.raises(ConfigError, match="the recipe has no data"):
        EpisodeData()
    with pytest.raises(ConfigError, match=r"held_out names 'blu'; did you mean 'blue'"):
        make(held_out=["blu"])


def test_a_data_set_needs_images_for_training_and_for_validation(tmp_path):
    write_dataset(tmp_path / "few", 3, (96, 96))
    data = EpisodeData(FolderSource(str(tmp_path), ("few",)), image_size=64)
    with pytest.raises(DatasetError, match="'few' has 3 images; expected at least 4"):
        data.setup("fit")


def test_the_dense_loss_refuses_ids_of_several_data_sets(make):
    task = FewShotSegmentation(
        Prototype(BackboneConfig("test_resnet")), dense_classes=9, dense_weight=1.0
    )
    task._trainer = SimpleNamespace(datamodule=make())
    with pytest.raises(ConfigError, match="the recipe trains on 2 data sets"):
        task.setup("fit")
