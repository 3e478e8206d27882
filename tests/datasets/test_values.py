import numpy as np

from fewscape.datasets import ImageSubset, measure_images, pick_evenly, pick_images
from fewscape.synthetic import SyntheticScenes


def test_values_are_those_of_all_pixels():
    images = [
        np.random.default_rng(n).integers(0, 256, (3, 50, 60)).astype(np.uint8) for n in (0, 1)
    ]
    found = measure_images(images)
    everything = np.concatenate([image.reshape(3, -1) for image in images], axis=1) / 255
    expected = np.percentile(everything, (2, 50, 98), axis=1)
    assert np.allclose((found.low, found.median, found.high), expected)


def test_large_images_count_no_more_than_small_ones():
    dark, bright = np.zeros((3, 1000, 1000), np.uint8), np.full((3, 100, 140), 255, np.uint8)
    found = measure_images([dark, bright, bright])
    assert np.array_equal(found.median, [1, 1, 1])


def test_images_are_picked_from_all_data_sets():
    scenes = SyntheticScenes(3, (64, 64), (0.5, 0.5))
    subsets = [ImageSubset(scenes, [0]), ImageSubset(scenes, [1, 2])]
    picked = list(pick_images(subsets))
    assert all(np.array_equal(picked[at], scenes.read_image(at)) for at in range(3))
    assert pick_evenly(100, 5) == [0, 24, 49, 74, 99]
    assert pick_evenly(2) == [0, 1]
