import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.core import ConfigError
from fewscape.synthetic import SYNTHETIC_CLASSES, Cover, SceneSpec, make_scene

PRINT_HASH = """
import hashlib
from fewscape.synthetic import SceneSpec, make_scene
scene = make_scene(SceneSpec(size=(160, 224), seed=11))
print(hashlib.sha256(scene.image.tobytes() + scene.labels.tobytes()).hexdigest())
"""


def digest(spec):
    scene = make_scene(spec)
    return hashlib.sha256(scene.image.tobytes() + scene.labels.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def town():
    return make_scene(SceneSpec(size=(1024, 1024), resolution=0.5, density=0.6, seed=4))


def test_same_spec_gives_same_bytes_whatever_was_made_before():
    spec = SceneSpec(size=(160, 224), seed=11)
    first = digest(spec)
    digest(SceneSpec(size=(96, 96), seed=3, density=1.0))
    np.random.seed(5)
    assert digest(spec) == first


def test_same_spec_gives_same_bytes_in_another_process():
    answer = subprocess.run(
        [sys.executable, "-c", PRINT_HASH], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == digest(SceneSpec(size=(160, 224), seed=11))


def test_seeds_give_different_scenes():
    assert len({digest(SceneSpec(size=(64, 64), seed=seed)) for seed in range(4)}) == 4


def test_shapes_dtypes_and_georeference(town):
    assert town.image.shape == (4, 1024, 1024)
    assert town.image.dtype == np.uint8
    assert town.labels.shape == (1024, 1024)
    assert town.labels.dtype == np.uint8
    assert town.crs == "EPSG:32632"
    assert (town.transform.a, town.transform.e) == (0.5, -0.5)
    assert town.resolution == 0.5


def test_class_table_names_every_cover():
    assert list(SYNTHETIC_CLASSES) == [int(cover) for cover in Cover]
    assert len(set(SYNTHETIC_CLASSES.values())) == len(Cover)


@given(
    st.tuples(st.integers(32, 150), st.integers(32, 150)),
    st.floats(0.1, 5),
    st.floats(0, 1),
    st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_any_valid_spec_gives_labels_of_known_classes(size, resolution, density, seed):
    scene = make_scene(SceneSpec(size=size, resolution=resolution, density=density, seed=seed))
    assert scene.image.shape == (4, *size)
    assert scene.labels.shape == size
    assert set(np.unique(scene.labels)) <= set(SYNTHETIC_CLASSES)


def test_most_scenes_hold_nearly_all_classes():
    num_present = np.zeros(len(Cover))
    seeds = range(30, 34)
    for seed in seeds:
        labels = make_scene(SceneSpec(size=(1024, 1024), density=0.6, seed=seed)).labels
        num_present += np.bincount(labels.ravel(), minlength=len(Cover)) > 150
    often = [Cover.BUILDING, Cover.ROAD, Cover.TREE, Cover.FIELD, Cover.CAR, Cover.POOL]
    often += [Cover.TANK, Cover.COURT, Cover.PARKING, Cover.SOLAR, Cover.CONTAINER]
    assert min(num_present[often]) >= len(seeds) - 1
    assert min(num_present[[Cover.WATER, Cover.TRACK, Cover.GREENHOUSE]]) >= len(seeds) / 2


def test_special_objects_come_in_groups(town):
    from scipy.ndimage import label

    for cover in (Cover.POOL, Cover.TANK, Cover.COURT, Cover.CAR):
        assert label(town.labels == cover)[1] >= 2, cover.name


def test_density_raises_the_built_up_share():
    def built(density):
        shares = []
        for seed in (1, 2):
            labels = make_scene(SceneSpec(size=(768, 768), density=density, seed=seed)).labels
            shares.append(np.isin(labels, (Cover.BUILDING, Cover.PARKING, Cover.CAR)).mean())
        return np.mean(shares)

    assert built(0.0) < built(0.5) < built(1.0)


def test_resolution_scales_the_size_of_cars():
    from scipy.ndimage import label

    def car_size(resolution):
        scene = make_scene(SceneSpec(size=(640, 640), resolution=resolution, seed=8))
        parts, _ = label(scene.labels == Cover.CAR)
        return np.median(np.bincount(parts.ravel())[1:])

    ratio = car_size(0.25) / car_size(0.5)
    assert 2.5 < ratio < 6


def test_near_infrared_tells_plants_from_water():
    bright, dark = [], []
    for seed in (2, 3, 4):
        scene = make_scene(SceneSpec(size=(512, 512), density=0.6, seed=seed))
        bright.append(scene.image[3][scene.labels == Cover.TREE].mean())
        dark.append(scene.image[3][scene.labels == Cover.WATER].mean())
    assert np.nanmean(bright) > 2 * np.nanmean(dark)


def test_season_dries_the_grass():
    def greenness(season):
        scene = make_scene(SceneSpec(size=(512, 512), density=0.2, seed=3, season=season))
        red, green = scene.image[:2, scene.labels == Cover.GRASS].astype(float)
        return (green - red).mean()

    assert greenness(0.0) > greenness(0.6)


def test_haze_lowers_contrast():
    clear, thick = (
        make_scene(SceneSpec(size=(256, 256), seed=3, haze=haze)).image for haze in (0.0, 1.0)
    )
    assert thick[2].std() < clear[2].std()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": (16, 64)}, r"scene size is \(16, 64\); expected height and width .* at least 32"),
        ({"size": (64.5, 64)}, "scene size is"),
        ({"resolution": 0.0}, "scene resolution is 0.0 m per pixel; expected 0.05 to 10"),
        ({"resolution": float("nan")}, "scene resolution is nan"),
        ({"density": 1.2}, "scene density is 1.2; expected a number from 0 to 1"),
        ({"season": -0.1}, "scene season is -0.1"),
        ({"haze": 2.0}, "scene haze is 2.0"),
        ({"seed": -1}, "scene seed is -1; expected an integer of at least 0"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        SceneSpec(**values)
