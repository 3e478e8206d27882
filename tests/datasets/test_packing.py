import numpy as np
import pytest
import rasterio
from PIL import Image

from fewscape.cli.main import main
from fewscape.core import DatasetError
from fewscape.datasets import packing
from fewscape.datasets.packing import read_pack, write_pack
from tests.datasets.invented import paint, write_classes, write_dataset, write_pair


@pytest.fixture
def folders(tmp_path):
    """Two data sets, the images of one larger than a crop."""
    return [
        write_dataset(tmp_path / "small", 2, (40, 48)),
        write_dataset(tmp_path / "large", 3, (90, 70), seed=1),
    ]


@pytest.fixture(autouse=True)
def small_crops(monkeypatch):
    monkeypatch.setattr(packing, "SIDE", 64)


def test_crops_of_each_data_set_in_turn(folders, tmp_path):
    assert write_pack(folders, tmp_path / "a.npz", crops=5) == {"small": 5, "large": 5}
    crops = list(read_pack(tmp_path / "a.npz"))
    assert [crop.source for crop in crops] == ["small", "large"] * 5
    sizes = {crop.source: crop.labels.shape for crop in crops}
    assert sizes == {"small": (40, 48), "large": (64, 64)}
    for crop in crops:
        assert crop.image.shape == (*crop.labels.shape, 3)
        assert crop.image.dtype == crop.labels.dtype == np.uint8


def find_place(crop, folder):
    """The image and place that a crop was cut from: its labels are there pixel by pixel."""
    rows, cols = crop.labels.shape
    for path in sorted((folder / "labels").iterdir()):
        labels = np.asarray(Image.open(path))
        views = np.lib.stride_tricks.sliding_window_view(labels, (rows, cols))
        found = np.argwhere((views == crop.labels).all(axis=(2, 3)))
        if len(found):
            return path.name, *found[0].tolist()
    return None


def test_labels_are_kept_and_images_nearly(folders, tmp_path):
    write_pack(folders, tmp_path / "a.npz", crops=3)
    places = []
    for crop in read_pack(tmp_path / "a.npz"):
        folder = tmp_path / crop.source
        places.append(find_place(crop, folder))
        name, row, col = places[-1]
        rows, cols = crop.labels.shape
        image = np.asarray(Image.open(folder / "images" / name))[row : row + rows, col : col + cols]
        assert np.abs(image.astype(int) - crop.image).mean() < 4
        assert (crop.labels == 255).any() or crop.source == "large"
    assert len({name for name, *_ in places[1::2]}) == 3, "an image comes again when all were seen"


def test_chance_is_that_of_the_seed(folders, tmp_path):
    names = "one.npz", "same.npz", "other.npz"
    for name, seed in zip(names, (3, 3, 4), strict=True):
        write_pack(folders, tmp_path / name, crops=2, seed=seed)
    one, same, other = ([c.labels.tobytes() for c in read_pack(tmp_path / n)] for n in names)
    assert one == same != other


def test_a_pack_stays_small(folders, tmp_path):
    write_pack(folders, tmp_path / "a.npz", crops=1)
    with np.load(tmp_path / "a.npz") as pack:
        once = sum(pack[name].size for name in pack.files if name != "sources")
    counts = write_pack(folders, tmp_path / "b.npz", crops=50, most_bytes=int(3.5 * once))
    assert counts["small"] == counts["large"]
    assert 2 <= counts["small"] <= 4
    assert len(list(read_pack(tmp_path / "b.npz"))) == 2 * counts["small"]


def test_the_first_three_of_more_bands(tmp_path):
    folder = tmp_path / "four"
    write_classes(folder)
    for name in ("images", "labels"):
        (folder / name).mkdir()
    labels = np.ones((40, 40), np.uint8)
    image = np.full((4, 40, 40), np.array([10, 90, 200, 250])[:, None, None], np.uint8)
    profile = {"driver": "GTiff", "height": 40, "width": 40, "dtype": "uint8"}
    with rasterio.open(folder / "images" / "a.tif", "w", count=4, **profile) as file:
        file.write(image)
    Image.fromarray(labels).save(folder / "labels" / "a.png")
    write_pack([folder], tmp_path / "a.npz", crops=1)
    (crop,) = read_pack(tmp_path / "a.npz")
    assert np.abs(crop.image.mean(axis=(0, 1)) - (10, 90, 200)).max() < 3
    assert (crop.labels == 1).all()


@pytest.mark.parametrize(("bands", "dtype"), [(1, "uint8"), (3, "uint16")])
def test_what_is_no_colour_image_is_told(tmp_path, bands, dtype):
    folder = tmp_path / "grey"
    labels = np.zeros((40, 40), np.uint8)
    write_classes(folder)
    write_pair(folder, "a", paint(labels, np.random.default_rng(0)), labels)
    (folder / "images" / "a.png").unlink()
    profile = {"driver": "GTiff", "height": 40, "width": 40, "dtype": dtype, "count": bands}
    with rasterio.open(folder / "images" / "a.tif", "w", **profile) as file:
        file.write(np.zeros((bands, 40, 40), dtype))
    with pytest.raises(
        DatasetError, match=rf"has {bands} bands? of {dtype}.*leave out the data set"
    ):
        write_pack([folder], tmp_path / "a.npz")


def test_the_command_tells_what_it_wrote(folders, tmp_path, capsys):
    output = tmp_path / "pack.npz"
    words = ("data", "pack", *folders, "--output", output, "--crops", 2, "--seed", 7)
    assert main([*map(str, words)]) == 0
    told = capsys.readouterr().out
    assert f"{output}: 2 crops of small, 2 crops of large; 0.0 MB" in told
    write_pack(folders, tmp_path / "same.npz", crops=2, seed=7)
    assert (tmp_path / "same.npz").read_bytes() == output.read_bytes()


def test_the_command_tells_of_a_folder_that_is_none(tmp_path, capsys):
    words = ("data", "pack", tmp_path / "none", "--output", tmp_path / "pack.npz")
    assert main([*map(str, words)]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
    assert not (tmp_path / "pack.npz").exists()
