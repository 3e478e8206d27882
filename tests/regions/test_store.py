import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from fewscape.core import ConfigError, OutputError
from fewscape.regions import RegionMaker, RegionStore, Slic, StoredRegions
from tests.regions.pictures import make_picture


class Counting(RegionMaker):
    """Stripes, and how often they were asked for."""

    name: ClassVar[str] = "counting"

    def __init__(self, width=4):
        self.width = width
        self.calls = 0

    @property
    def parameters(self) -> Mapping[str, int]:
        return {"width": self.width}

    def segment(self, image):
        self.calls += 1
        return np.broadcast_to(np.arange(image.shape[1]) // self.width - 1, image.shape[:2])


@dataclass(frozen=True)
class Fixed(RegionMaker):
    """As many regions as wanted."""

    name: ClassVar[str] = "fixed"
    count: int

    @property
    def parameters(self) -> Mapping[str, int]:
        return {"count": self.count}

    def segment(self, image):
        return np.minimum(np.arange(image.shape[0] * image.shape[1]), self.count - 1).reshape(
            image.shape[:2]
        )


@pytest.fixture
def store(tmp_path):
    return RegionStore(tmp_path / "store")


def files(store):
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def test_makes_once_and_reads_afterwards(store):
    maker, image = Counting(), make_picture()
    made = store.get(image, maker)
    read = RegionStore(store.folder).get(image, maker)
    assert maker.calls == 1
    assert made.dtype == read.dtype == np.int32
    assert made.min() == -1
    assert np.array_equal(made, read)


def test_a_file_is_a_16_bit_png_with_0_for_none(store):
    image = make_picture()
    regions = store.get(image, Counting())
    (path,) = files(store)
    assert path == store.path(image, Counting())
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        assert opened.mode.startswith("I;16")
        assert np.array_equal(np.asarray(opened), regions + 1)


def test_pixels_shape_dtype_method_and_parameters_have_keys_of_their_own(store):
    image = make_picture((8, 8))
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    keys = [
        store.path(image, Slic()),
        store.path(changed, Slic()),
        store.path(image.reshape(4, 16, 3), Slic()),
        store.path(image.view(np.int8), Slic()),
        store.path(image, Slic(num_segments=99)),
        store.path(image, Slic(compactness=11)),
        store.path(image, Counting()),
        store.path(image, Counting(width=5)),
    ]
    assert len(set(keys)) == len(keys)


def test_the_layout_of_memory_does_not_matter(store):
    image = make_picture()
    bands_first = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert store.path(image, Slic()) == store.path(bands_first, Slic())


@pytest.mark.parametrize("keep", [0, 5, 20, 60, -1])
def test_a_truncated_file_is_made_again(store, keep):
    maker, image = Counting(), make_picture((40, 50))
    regions = store.get(image, maker)
    (path,) = files(store)
    path.write_bytes(path.read_bytes()[:keep])
    assert store.add(image, maker) or keep == -1
    assert np.array_equal(store.get(image, maker), regions)
    assert not store.add(image, maker)


def test_a_damaged_or_foreign_file_is_made_again(store):
    maker, image = Counting(), make_picture()
    regions = store.get(image, maker)
    (path,) = files(store)
    damaged = bytearray(path.read_bytes())
    damaged[50] ^= 0xFF
    other_size, other_depth = path.with_suffix(".a"), path.with_suffix(".b")
    Image.fromarray(np.zeros((3, 3), np.uint16)).save(other_size, format="PNG")
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(other_depth, format="PNG")
    contents = (bytes(damaged), other_size.read_bytes(), other_depth.read_bytes(), b"no picture")
    for calls, content in enumerate(contents, start=2):
        path.write_bytes(content)
        assert np.array_equal(store.get(image, maker), regions)
        assert maker.calls == calls


def test_an_interrupted_write_leaves_nothing(store, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.get(make_picture(), Counting())
    assert files(store) == []


def test_a_full_disk_is_told_and_leaves_nothing(store, monkeypatch):
    def fill(self, file, format):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill)
    with pytest.raises(OutputError, match="cannot be written: No space left on device; choose"):
        store.get(make_picture(), Counting())
    assert files(store) == []


def test_a_store_that_is_a_file_is_told(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(OutputError, match=r"the region map .* cannot be written"):
        RegionStore(tmp_path / "store").get(make_picture(), Counting())


def test_more_regions_than_a_file_holds_are_refused(store):
    image = np.zeros((256, 256, 1), np.uint8)
    regions = store.get(image, Fixed(65534))
    assert regions.max() == 65533
    assert np.array_equal(store.get(image, Fixed(65534)), regions)
    with pytest.raises(ConfigError, match="65535 regions; expected at most 65534"):
        store.get(image, Fixed(65535))


def test_threads_may_share_a_store(store):
    image = make_picture()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: store.get(image, Slic()), range(8)))
    assert all(np.array_equal(found[0], other) for other in found)
    assert len(files(store)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_files_are_as_readable_as_any_other(store, tmp_path):
    store.get(make_picture(), Counting())
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert files(store)[0].stat().st_mode == ordinary.stat().st_mode


def test_add_says_whether_it_had_to_be_made(store):
    maker, image = Counting(), make_picture()
    assert store.add(image, maker)
    assert not store.add(image, maker)
    assert maker.calls == 1
    assert np.array_equal(store.get(image, maker), Counting()(image))


def test_stored_regions_are_a_maker(store):
    maker, image = Counting(), make_picture()
    stored = StoredRegions(store, maker)
    assert np.array_equal(stored(image), stored(image))
    assert maker.calls == 1
