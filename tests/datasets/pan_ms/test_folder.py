import numpy as np
import pytest

from fewscape.core import DatasetError, SceneError
from fewscape.datasets.pan_ms import (
    PairScale,
    cluster_pixels,
    find_pairs,
    make_synthetic_pair,
    make_varied_pair,
    read_pair,
)
from tests.conftest import SHARED_DATA
from tests.mapping.pairs import write_pair_files
from tests.raster.rasters import write_raster

PAIRS = SHARED_DATA / "pan_ms"


@pytest.fixture
def folder(tmp_path):
    """The layout of the published data sets."""
    files = write_pair_files(tmp_path / "scene", size=32)
    files.ms.rename(tmp_path / "scene" / "ms4.tif")
    train = np.where(np.arange(32)[:, None] < 16, files.labels, 0)
    np.save(tmp_path / "scene" / "train.npy", train)
    np.save(tmp_path / "scene" / "test.npy", files.labels - train)
    return tmp_path, files


def test_a_folder_of_rasters_and_masks(folder):
    root, files = folder
    (path,) = find_pairs(root)
    found = read_pair(path)
    assert found.name == "scene"
    assert found.pair.ms.shape == (4, 32, 32)
    assert found.pair.ratio == 4
    np.testing.assert_array_equal(found.labels, files.labels)
    assert not found.train[16:].any()
    assert not found.test[:16].any()


@pytest.mark.parametrize("names", [("pan", "ms"), ("I_PAN", "I_MS")])
@pytest.mark.parametrize("last", [False, True])
def test_arrays_with_bands_first_or_last(tmp_path, names, last):
    made = make_synthetic_pair(24)
    ms = made.pair.ms.transpose(1, 2, 0) if last else made.pair.ms
    np.savez(
        tmp_path / "a.npz", **dict(zip(names, (made.pair.pan, ms), strict=True)), labels=made.labels
    )
    (path,) = find_pairs(tmp_path)
    found = read_pair(path, bands=(4, 3, 2, 1))
    np.testing.assert_array_equal(found.pair.ms, made.pair.ms[::-1])
    np.testing.assert_array_equal(found.labels, made.labels)
    assert found.train is None


def test_what_is_no_pair_is_told(tmp_path):
    with pytest.raises(DatasetError, match="there is no pair in"):
        find_pairs(tmp_path)
    np.savez(tmp_path / "a.npz", pan=np.zeros((8, 8)))
    with pytest.raises(DatasetError, match=r"has no array 'ms'; its arrays are pan"):
        read_pair(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", pan=np.zeros((8, 8)), ms=np.zeros((3, 2, 2)))
    with pytest.raises(DatasetError, match=r"bands 1,2,3,4 .* has the shape \(3, 2, 2\)"):
        read_pair(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", pan=np.zeros((2, 2)), ms=np.zeros((4, 8, 8)))
    with pytest.raises(SceneError, match="seem to be swapped"):
        read_pair(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", pan=np.zeros((24, 24)), ms=np.zeros((4, 8, 8)))
    with pytest.raises(SceneError, match="is 3 panchromatic ones wide"):
        read_pair(tmp_path / "a.npz")


def test_labels_on_another_grid_are_told(folder):
    root, _ = folder
    np.save(root / "scene" / "label.npy", np.zeros((128, 128), np.uint8))
    with pytest.raises(DatasetError, match=r"labels of 'scene' have 128 x 128 .* 32 x 32"):
        read_pair(root / "scene")
    np.save(root / "scene" / "label.npy", np.full((32, 32), 300))
    with pytest.raises(DatasetError, match="reach from 300 to 300"):
        read_pair(root / "scene")


def test_labels_without_data_do_not_count(tmp_path):
    files = write_pair_files(tmp_path, size=32)
    pan = np.ones((1, 128, 128), np.uint16)
    pan[:, :8] = 0
    write_raster(files.pan, pan, nodata=0)
    np.save(tmp_path / "label.npy", files.labels)
    found = read_pair(tmp_path)
    assert not found.labels[:2].any()
    np.testing.assert_array_equal(found.labels[2:], files.labels[2:])


def test_clusters_are_the_classes_that_differ():
    made = make_synthetic_pair(48, 1, fields=20)
    rng = np.random.default_rng(0)
    found = cluster_pixels(made.pair, PairScale.fit(made.pair), 8, rng)
    both = (found > 0) & (made.labels > 0)
    assert both.mean() > 0.3
    table = np.zeros((9, 9))
    np.add.at(table, (found[both], made.labels[both]), 1)
    assert table.max(axis=1).sum() / table.sum() > 0.8


def test_varied_scenes_have_classes_of_their_own():
    first, again, other = (make_varied_pair(48, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.pair.pan, again.pair.pan)
    assert not np.allclose(first.pair.ms, other.pair.ms)
    assert make_varied_pair(32, 0, 2).pair.pan.shape == (64, 64)
    means = np.array(
        [first.pair.ms[:, first.labels == n].mean(axis=1) for n in np.unique(first.labels)[1:]]
    )
    apart = np.linalg.norm(means[:, None] - means, axis=2) + np.eye(len(means))
    assert apart.min() < 0.01 < np.median(apart)  # some differ by texture alone


@pytest.mark.skipif(not PAIRS.is_dir(), reason="needs real imagery")
def test_real_pairs_are_read():
    paths = find_pairs(PAIRS)
    assert len(paths) == 43
    for path in paths[::6]:
        bands = (2, 3, 5, 7) if path.stem == "imgWV2" else (1, 2, 3, 4)
        found = read_pair(path, bands)
        assert found.pair.ratio == 4
        assert found.labels is None
        scaled = PairScale.fit(found.pair, found.valid).apply(found.pair)
        assert all(np.isfinite(image).all() for image in scaled)
