import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from fewscape.core import Episode, ManifestError, Window
from fewscape.datasets import (
    Augment,
    Crop,
    EpisodeReader,
    EpisodeSampler,
    EpisodeSpec,
    FileCrops,
    FolderDataset,
    Manifest,
    ManifestEpisodes,
    SampledEpisodes,
    ShareLimits,
)
from tests.datasets.invented import write_classes, write_dataset, write_pair

FIELDS = ("query_image", "query_mask", "support_images", "support_masks", "class_id",
          "query_regions", "support_regions", "query_labels")  # fmt: skip


def bands_of(image):
    """Regions that depend on the pixels: one for every 64 grey levels of red."""
    return (image[..., 0] // 64).astype(np.int32)


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / "toy", 6)


def sampled(folder, hidden=(), **options):
    sampler = EpisodeSampler(
        [FolderDataset(folder)], [("toy", 1)], 2, 20, ShareLimits(0.1, 0.8), hidden, step=4
    )
    return SampledEpisodes(sampler, 8, (20, 20), **options)


def crop(stem, window):
    return Crop(f"toy/images/{stem}.png", f"toy/labels/{stem}.png", Window(*window))


def assert_equal(first, second):
    for name in FIELDS:
        left, right = getattr(first, name), getattr(second, name)
        assert (left is None) == (right is None), name
        assert left is None or torch.equal(left, right), name


def test_tensors_are_what_the_files_say(folder):
    window, spec_crops = (3, 0, 20, 20), [crop("000", (0, 0, 20, 20)), crop("001", (3, 0, 20, 20))]
    spec = EpisodeSpec("toy", 1, "red", spec_crops[0], (spec_crops[1],))
    episode = EpisodeReader(FileCrops(folder.parent), (20, 20)).read(spec)
    image = np.array(Image.open(folder / "images/001.png"))[3:23, :20]
    labels = np.array(Image.open(folder / "labels/000.png"))[:20, :20]
    assert episode.support_images.shape == (1, 1, 3, 20, 20)
    assert episode.support_images.dtype == episode.query_mask.dtype == torch.uint8
    np.testing.assert_array_equal(episode.support_images[0, 0].permute(1, 2, 0), image)
    np.testing.assert_array_equal(episode.query_labels[0], labels)
    expected = np.where(labels == 255, 255, labels == 1)
    np.testing.assert_array_equal(episode.query_mask[0], expected)
    assert (episode.query_mask[0, :3, :3] == 255).all()
    assert episode.class_id.tolist() == [1]
    assert episode.query_regions is None
    assert window == spec.support[0].window


def test_another_id_to_ignore_becomes_255(tmp_path):
    labels = np.zeros((16, 16), np.uint8)
    labels[:4], labels[4:8] = 1, 2
    write_pair(tmp_path / "toy", "000", np.zeros((16, 16, 3), np.uint8), labels)
    write_classes(tmp_path / "toy", {1: "red", 2: "blue"}, ignore=0)
    place = crop("000", (0, 0, 16, 16))
    spec = EpisodeSpec("toy", 1, "red", place, (place,))
    episode = EpisodeReader(FileCrops(tmp_path, ignore=0), (16, 16)).read(spec)
    assert episode.query_mask[0, :, 0].tolist() == [1] * 4 + [0] * 4 + [255] * 8


def test_windows_of_another_size_are_resized(folder):
    place = crop("000", (0, 0, 40, 40))
    spec = EpisodeSpec("toy", 1, "red", place, (place,))
    source = FileCrops(folder.parent)
    small = EpisodeReader(source, (20, 20)).read(spec)
    full = EpisodeReader(source, (40, 40)).read(spec)
    assert small.query_image.shape == (1, 3, 20, 20)
    assert set(small.query_labels.unique().tolist()) <= {0, 1, 2, 255}
    average = torch.nn.functional.avg_pool2d(full.query_image.float(), 2)
    assert (small.query_image.float() - average).abs().mean() < 4  # antialiased, so near the mean
    large = EpisodeReader(source, (80, 80)).read(spec)
    assert torch.equal(large.query_labels[:, ::2, ::2], full.query_labels)


@pytest.mark.parametrize("augment", [None, Augment()])
def test_hidden_classes_are_unknown(folder, augment):
    episodes = sampled(folder, hidden=[("toy", 2)], augment=augment)
    plain = sampled(folder)
    assert any((plain[i].query_labels == 2).any() for i in range(8))
    for index in range(8):
        episode = episodes[index]
        assert not (episode.query_labels == 2).any()
        assert torch.equal(episode.query_mask == 255, episode.query_labels == 255)
        blue = (episode.support_images[:, :, 2] > 150) & (episode.support_images[:, :, 0] < 100)
        assert (episode.support_masks[blue] == 255).all()


def test_hidden_classes_are_those_of_their_own_data_set(folder):
    place = crop("000", (0, 0, 48, 48))
    spec = EpisodeSpec("toy", 1, "red", place, (place,))
    source = FileCrops(folder.parent)
    hidden = frozenset({("another", 2)})
    assert_equal(
        EpisodeReader(source, (48, 48), hidden).read(spec),
        EpisodeReader(source, (48, 48)).read(spec),
    )


def test_episodes_do_not_depend_on_workers(folder):
    episodes = sampled(folder, augment=Augment(), regions=bands_of)
    loaded = [
        list(DataLoader(episodes, 3, num_workers=workers, collate_fn=Episode.stack))
        for workers in (0, 2)
    ]
    assert [batch.query_image.shape[0] for batch in loaded[0]] == [3, 3, 2]
    for first, second in zip(*loaded, strict=True):
        assert_equal(first, second)


def test_persistent_workers_see_the_epoch(folder):
    episodes = sampled(folder, augment=Augment())
    loader = DataLoader(
        episodes, 8, num_workers=1, persistent_workers=True, collate_fn=Episode.stack
    )
    epochs = []
    for epoch in (0, 1, 0):
        episodes.set_epoch(epoch)
        epochs.append(next(iter(loader)))
    assert_equal(epochs[0], epochs[2])
    assert not torch.equal(epochs[0].query_image, epochs[1].query_image)


def test_regions_and_masks_move_with_the_image(folder):
    moved = sampled(folder, augment=Augment(brightness=0, contrast=0, saturation=0, tint=0),
                    regions=bands_of)  # fmt: skip
    plain = sampled(folder, regions=bands_of)
    turned = 0
    for index in range(8):
        episode = moved[index]
        image = episode.query_image[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(episode.query_regions[0], bands_of(image))
        assert episode.query_regions.dtype == torch.int32
        is_red = (episode.support_images[:, :, 0] > 150) & (episode.support_masks != 255)
        assert torch.equal(episode.support_masks == 1, is_red)
        turned += not torch.equal(episode.query_image, plain[index].query_image)
    assert turned >= 4


def test_manifest_episodes_are_those_of_the_manifest(folder):
    sampler = sampled(folder).sampler
    manifest = Manifest("test", tuple(sampler.sample(i) for i in range(4)), (20, 20))
    episodes = ManifestEpisodes(manifest, folder.parent, bands_of)
    assert len(episodes) == 4
    for index, expected in enumerate(sampled(folder, regions=bands_of)[i] for i in range(4)):
        assert_equal(episodes[index], expected)
    missing = EpisodeSpec("toy", 1, "red", crop("099", (0, 0, 8, 8)), manifest.episodes[0].support)
    with pytest.raises(ManifestError, match=r"'toy/images/099.png', which does not exist"):
        ManifestEpisodes(Manifest("test", (missing,)), folder.parent)


def test_a_fixed_length_ends(folder):
    with pytest.raises(IndexError):
        sampled(folder)[8]
    assert len(list(sampled(folder))) == 8
