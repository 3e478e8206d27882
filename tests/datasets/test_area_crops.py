import numpy as np
import pytest
import torch

from fewscape.core import ConfigError, Window
from fewscape.datasets import (
    Area,
    AreaReader,
    AreaTiles,
    Augment,
    CropOptions,
    FolderDataset,
    TrainingCrops,
)
from fewscape.datasets.area_crops import read_crop
from tests.datasets.invented import paint, write_classes, write_pair

CLASSES = {2: "ground", 5: "red", 9: "blue"}
PLAIN = CropOptions(scales=(1.0,), mosaic=0.0, tries=1)


def coded_image(labels):
    """Red holds the row, green the column, blue the id."""
    rows, cols = np.indices(labels.shape)
    return np.stack([rows, cols, labels], axis=2).astype(np.uint8)


@pytest.fixture
def reader(tmp_path):
    """An image of 60 x 50 pixels whose upper half is ground and lower right is red."""
    labels = np.full((60, 50), 2, np.uint8)
    labels[30:, 20:] = 5
    labels[:2] = 255
    write_classes(tmp_path / "toy", CLASSES)
    write_pair(tmp_path / "toy", "one", coded_image(labels), labels)
    return AreaReader(FolderDataset(tmp_path / "toy"))


WHOLE = [Area(0, Window(0, 0, 60, 50))]


def test_classes_are_numbered_by_the_order_of_their_ids(reader):
    assert reader.class_names == ("ground", "red", "blue")
    labels = reader.labels(WHOLE[0])
    assert np.unique(labels).tolist() == [0, 1, 255]
    assert (labels[30:, 20:] == 1).all()


def test_crops_are_cut_where_their_labels_are(reader):
    crops = TrainingCrops(reader, WHOLE, 20, 16, PLAIN)
    for image, labels in (crops[index] for index in range(20)):
        assert image.shape == (3, 16, 16)
        row, col = int(image[0, 0, 0]), int(image[1, 0, 0])
        assert torch.equal(image[0, :, 0], torch.arange(row, row + 16).to(torch.uint8))
        expected = reader.labels(Area(0, Window(row, col, 16, 16)))
        np.testing.assert_array_equal(labels.numpy(), expected)


def test_crops_stay_inside_their_area(reader):
    area = Area(0, Window(20, 10, 30, 25))
    crops = TrainingCrops(reader, [area], 50, 16, PLAIN)
    corners = torch.stack([crops[index].image[:2, 0, 0] for index in range(50)])
    assert corners.amin(0).tolist() >= [20, 10]
    assert corners.amax(0).tolist() <= [34, 19]


def test_a_crop_is_a_function_of_seed_epoch_and_index(reader):
    def draw(seed=0, epoch=0):
        crops = TrainingCrops(reader, WHOLE, 8, 16, CropOptions(), Augment(), seed)
        crops.set_epoch(epoch)
        return torch.stack([crops[index].image for index in range(8)])

    first = draw()
    assert torch.equal(first, draw())
    assert not torch.equal(first, draw(seed=1))
    assert not torch.equal(first, draw(epoch=1))


def test_a_scale_below_one_shows_more_ground(reader):
    options = CropOptions(scales=(0.5,), mosaic=0.0, tries=1)
    image, _ = TrainingCrops(reader, WHOLE, 1, 16, options)[0]
    rows = image[0, :, 0].int()
    assert rows[-1] - rows[0] == pytest.approx(30, abs=1)


def test_crops_with_several_classes_are_sought(reader):
    def count_mixed(tries):
        options = CropOptions(scales=(1.0,), mosaic=0.0, tries=tries)
        crops = TrainingCrops(reader, WHOLE, 60, 16, options)
        return sum(
            len(set(crops[index].labels.unique().tolist()) - {255}) > 1 for index in range(60)
        )

    assert count_mixed(1) < 40
    assert count_mixed(20) == 60


def test_a_mosaic_has_four_parts_without_a_gap(reader):
    options = CropOptions(scales=(1.0,), mosaic=1.0)
    crops = TrainingCrops(reader, [Area(0, Window(5, 0, 55, 50))], 20, 16, options)
    for image, labels in (crops[index] for index in range(20)):
        assert (labels != 255).all()
        rows, cols = image[0].int(), image[1].int()
        breaks = (rows.diff(dim=0) != 1) | (rows.diff(dim=0) != 1)[:, :1]
        assert breaks.any(dim=1).sum() <= 1
        assert (cols.diff(dim=1) != 1).any(dim=0).sum() <= 1
        expected = reader.labels(WHOLE[0])[rows.numpy(), cols.numpy()]
        np.testing.assert_array_equal(labels.numpy(), expected)


def test_an_image_smaller_than_the_crop_is_padded_with_unknown(tmp_path):
    labels = np.full((10, 40), 5, np.uint8)
    write_classes(tmp_path / "toy", CLASSES)
    rng = np.random.default_rng(0)
    write_pair(tmp_path / "toy", "one", paint(labels, rng), labels)
    reader = AreaReader(FolderDataset(tmp_path / "toy"))
    crops = TrainingCrops(reader, [Area(0, Window(0, 0, 10, 40))], 3, 16, CropOptions())
    for image, found in (crops[index] for index in range(3)):
        assert image.shape == (3, 16, 16)
        assert (found == 255).any()
        assert (found == 1).any()
    crop = read_crop(reader, Area(0, Window(0, 0, 10, 16)), (16, 16), (16, 16))
    assert (crop.labels[:3] == 255).all()
    assert (crop.labels[-3:] == 255).all()
    assert (crop.labels[3:13] == 1).all()
    assert (crop.image[:, :3] == 0).all()


def test_tiles_cover_areas_once(reader):
    area = Area(0, Window(10, 5, 45, 40))
    tiles = AreaTiles(reader, [area], 16)
    seen = np.zeros((60, 50), int)
    for image, labels in (tiles[index] for index in range(len(tiles))):
        inside = labels != 255
        rows, cols = image[0][inside].int().numpy(), image[1][inside].int().numpy()
        np.add.at(seen, (rows, cols), 1)
    assert (seen[10:55, 5:45] == 1).all()
    assert seen.sum() == 45 * 40


@pytest.mark.parametrize("settings", [{"scales": ()}, {"scales": (0.0, 1.0)}, {"tries": 0}])
def test_impossible_draws_are_refused(settings):
    with pytest.raises(ConfigError, match="at least one"):
        CropOptions(**settings)
