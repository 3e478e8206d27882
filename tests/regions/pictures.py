"""Small images with edges to find."""

import numpy as np


def make_picture(size=(48, 64), bands=3, seed=0):
    """(H, W, bands) uint8: a bright and a dark rectangle on grey, with noise."""
    rng = np.random.default_rng(seed)
    image = np.full((*size, bands), 120.0)
    image[: size[0] // 2, : size[1] // 3] = 210
    image[size[0] // 3 :, size[1] // 2 :] = 40
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
