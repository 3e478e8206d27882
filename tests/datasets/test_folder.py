import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.core import DatasetError, Window
from fewscape.datasets import FolderDataset, LabelledImages, read_colours
from fewscape.datasets.image_files import ImageFiles
from tests.datasets.invented import write_classes, write_dataset, write_pair
from tests.raster.rasters import cut_in_half, noise, write_raster


def write_tiff(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2]}
    with rasterio.open(path, "w", driver="GTiff", dtype=pixels.dtype, **profile, **options) as file:
        file.write(pixels)


def test_reads_pairs_classes_and_windows(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 3, (40, 56)))
    assert isinstance(dataset, LabelledImages)
    assert (dataset.name, len(dataset), dataset.ignore) == ("toy", 3, 255)
    assert dataset.classes == {0: "ground", 1: "red", 2: "blue"}
    assert dataset.image_path(1) == "toy/images/001.png"
    assert dataset.labels_path(1) == "toy/labels/001.png"
    assert dataset.size(1) == (40, 56)
    window = Window(5, 7, 20, 11)
    stored = np.array(Image.open(tmp_path / dataset.image_path(1))).transpose(2, 0, 1)
    np.testing.assert_array_equal(dataset.read_image(1), stored)
    np.testing.assert_array_equal(dataset.read_image(1, window), stored[:, 5:25, 7:18])
    labels = np.array(Image.open(tmp_path / dataset.labels_path(1)))
    np.testing.assert_array_equal(dataset.read_labels(1, window), labels[5:25, 7:18])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 4, 6])
@pytest.mark.parametrize("tiled", [False, True])
def test_tiff_of_any_dtype_and_bands(tmp_path, dtype, bands, tiled):
    pixels = np.arange(bands * 48 * 64).reshape(bands, 48, 64).astype(dtype)
    options = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {}
    write_tiff(tmp_path / "toy/images/a.tif", pixels, **options)
    write_tiff(tmp_path / "toy/labels/a.tif", np.zeros((1, 48, 64), "uint16"))
    write_classes(tmp_path / "toy")
    whole = FolderDataset(tmp_path / "toy")
    read = whole.read_image(0, Window(3, 30, 20, 17))
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read, pixels[:, 3:23, 30:47])
    chosen = FolderDataset(tmp_path / "toy", bands=[bands, 1, 1])
    np.testing.assert_array_equal(chosen.read_image(0), pixels[[bands - 1, 0, 0]])
    assert whole.read_labels(0).dtype == np.uint8


def test_jpeg_and_palette_labels(tmp_path):
    write_dataset(tmp_path / "toy", 1)
    image, labels = tmp_path / "toy/images/000.png", tmp_path / "toy/labels/000.png"
    Image.open(image).save(image.with_suffix(".JPEG"), quality=95)
    image.unlink()
    ids = np.array(Image.open(labels))
    coloured = Image.fromarray(ids).convert("P")
    coloured.putdata(ids.ravel())
    coloured.save(labels)
    dataset = FolderDataset(tmp_path / "toy")
    assert dataset.read_image(0).shape == (3, 48, 48)
    np.testing.assert_array_equal(dataset.read_labels(0), ids)


def test_sixteen_bit_rgb_png_keeps_its_depth(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 60000, (3, 8, 8)).astype("uint16")
    with rasterio.open(
        tmp_path / "a.png", "w", driver="PNG", count=3, height=8, width=8, dtype="uint16"
    ) as file:
        file.write(pixels)
    np.testing.assert_array_equal(ImageFiles(tmp_path).read("a.png"), pixels)


def test_a_jpeg_is_decoded_once_for_many_windows(tmp_path, monkeypatch):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 1))
    decoded = []
    original = ImageFiles._decode
    monkeypatch.setattr(ImageFiles, "_decode", lambda self, *a: decoded.append(1) or original(*a))
    first = dataset.read_image(0, Window(0, 0, 8, 8))
    first[:] = 0  # the caller's own: it must not reach the kept image
    for col in range(8):
        window = dataset.read_image(0, Window(0, col, 8, 8))
    assert len(decoded) == 1
    assert window.any()


def test_keeps_no_more_decoded_bytes_than_told(tmp_path):
    write_dataset(tmp_path / "toy", 4)
    size = 48 * 48 * 3
    files = ImageFiles(tmp_path, cache_bytes=2 * size)
    for number in (0, 1, 2, 3, 0):
        files.read(f"toy/images/{number:03d}.png")
    assert list(files._decoded._images) == ["toy/images/003.png", "toy/images/000.png"]


def test_threads_and_processes_may_share_it(tmp_path):
    dataset = FolderDataset(write_dataset(tmp_path / "toy", 4))
    expected = [dataset.read_image(index) for index in range(4)]
    copy = pickle.loads(pickle.dumps(dataset))
    with ThreadPoolExecutor(4) as threads:
        for index, image in enumerate(threads.map(lambda i: copy.read_image(i % 4), range(32))):
            np.testing.assert_array_equal(image, expected[index % 4])


def test_refuses_ids_that_classes_json_does_not_list(tmp_path):
    labels = np.zeros((8, 8), np.uint8)
    labels[2, 2], labels[3, 3] = 7, 9
    write_pair(tmp_path / "toy", "a", np.zeros((8, 8, 3), np.uint8), labels)
    write_classes(tmp_path / "toy")
    with pytest.raises(DatasetError, match=r"'toy/labels/a.png' contain the class id 7, 9; "):
        FolderDataset(tmp_path / "toy").read_labels(0)


def test_refuses_labels_of_another_size(tmp_path):
    write_pair(tmp_path / "toy", "a", np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9), np.uint8))
    write_classes(tmp_path / "toy")
    with pytest.raises(DatasetError, match="have 8 x 9 pixels; expected 8 x 8 as in"):
        FolderDataset(tmp_path / "toy").size(0)


def test_refuses_labels_in_colour(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    write_pair(tmp_path / "toy", "a", image, image)
    write_classes(tmp_path / "toy")
    with pytest.raises(DatasetError, match="have 3 channels of uint8; expected one channel"):
        FolderDataset(tmp_path / "toy").read_labels(0)


def test_refuses_ids_beyond_a_byte(tmp_path):
    write_pair(
        tmp_path / "toy", "a", np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 300, np.uint16)
    )
    write_classes(tmp_path / "toy")
    with pytest.raises(DatasetError, match="ids from 300 to 300; expected 0 to 255"):
        FolderDataset(tmp_path / "toy").read_labels(0)


def test_refuses_images_without_labels(tmp_path):
    write_dataset(tmp_path / "toy")
    (tmp_path / "toy/labels/002.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 5 images have no labels, the first is .*002"):
        FolderDataset(tmp_path / "toy")


def test_refuses_a_folder_without_classes(tmp_path):
    write_dataset(tmp_path / "toy")
    (tmp_path / "toy/classes.json").unlink()
    with pytest.raises(DatasetError, match=r"there is no '.*classes.json'; expected"):
        FolderDataset(tmp_path / "toy")


@pytest.mark.parametrize("content", ["[]", "{", '{"classes": {"a": "b"}}', '{"classes": []}'])
def test_refuses_a_table_that_is_none(tmp_path, content):
    write_dataset(tmp_path / "toy")
    (tmp_path / "toy/classes.json").write_text(content)
    with pytest.raises(DatasetError, match=r"is not a table of classes.*; expected"):
        FolderDataset(tmp_path / "toy")


@pytest.mark.parametrize(("ids", "ignore"), [([0, 300], 255), ([], 255), ([0, 255], 255)])
def test_refuses_impossible_ids(tmp_path, ids, ignore):
    write_dataset(tmp_path / "toy")
    content = {"classes": {str(i): "x" for i in ids}, "ignore": ignore}
    (tmp_path / "toy/classes.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="at least one class and unique ids from 0 to 255"):
        FolderDataset(tmp_path / "toy")


def test_refuses_a_folder_of_another_layout(tmp_path):
    write_classes(tmp_path)
    with pytest.raises(DatasetError, match="has no folder 'images'"):
        FolderDataset(tmp_path)


def test_refuses_windows_and_bands_that_are_not_there(tmp_path):
    folder = write_dataset(tmp_path / "toy", 1)
    with pytest.raises(DatasetError, match=r"window \[40, 0, 9, 8\] .* exceeds the image; .*48"):
        FolderDataset(folder).read_image(0, Window(40, 0, 9, 8))
    with pytest.raises(DatasetError, match="has no band 4; it has 3"):
        FolderDataset(folder, bands=[1, 4]).read_image(0)


@pytest.mark.parametrize("keep", [0.5, 0.02])
def test_says_that_a_truncated_tiff_cannot_be_read(tmp_path, keep):
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype("uint8")
    write_tiff(path, pixels, compress="deflate")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DatasetError, match=r"a.tif' cannot be read; expected a whole PNG, JPEG"):
        ImageFiles(tmp_path).read("a.tif")


@pytest.mark.parametrize("bands", [1, 3])
def test_says_that_a_truncated_png_cannot_be_read(tmp_path, bands):
    cut_in_half(write_raster(tmp_path / "a.png", noise(300, 300, bands)))
    with pytest.raises(DatasetError, match=r"a.png' cannot be read; .*truncated"):
        ImageFiles(tmp_path).read("a.png")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, None),
        ({"0": [1, 2, 3]}, None),
        ({"2": [7, 8, 9], "1": [4, 5, 6], "0": [1, 2, 3]}, ((1, 2, 3), (4, 5, 6), (7, 8, 9))),
    ],
)
def test_colours_come_in_the_order_of_the_ids(tmp_path, listed, expected):
    content = {"classes": {"2": "c", "0": "a", "1": "b"}}
    text = json.dumps(content if listed is None else content | {"colours": listed})
    (tmp_path / "classes.json").write_text(text)
    assert read_colours(tmp_path / "classes.json") == expected


@pytest.mark.parametrize("colour", [[1, 2], [1, 2, 300], "red", 5])
def test_what_is_no_colour_is_told(tmp_path, colour):
    content = {"classes": {"0": "a"}, "colours": {"0": colour}}
    (tmp_path / "classes.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"the colours in .* cannot be read; expected"):
        read_colours(tmp_path / "classes.json")
