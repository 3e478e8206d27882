import colorsys

import numpy as np
import pytest
import torch

from fewscape.datasets import Augment
from fewscape.datasets.recolour import Recolour, _turn_hue


def test_a_third_of_a_turn_exchanges_the_bands():
    turned = _turn_hue(2 * np.pi / 3, 1.0)
    assert np.allclose(turned @ turned @ turned, np.eye(3), atol=1e-6)
    assert np.allclose(turned @ [0.2, 0.5, 0.8], [0.5, 0.8, 0.2], atol=1e-6)


@pytest.mark.parametrize("angle", [0.4, 2.0, 5.1])
def test_hue_turns_and_the_mean_of_the_bands_stays(angle):
    colour = np.array([0.55, 0.45, 0.4])
    turned = _turn_hue(angle, 1.0) @ colour
    assert turned.mean() == pytest.approx(colour.mean(), abs=1e-6)
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(colour), abs=1e-6)
    before, after = colorsys.rgb_to_hsv(*colour)[0], colorsys.rgb_to_hsv(*turned)[0]
    turn = (before - after) % 1 * 2 * np.pi
    assert min(abs(turn - angle), abs(2 * np.pi - turn - angle)) < 0.15  # HSV's circle is a hexagon


def test_without_saturation_all_bands_are_their_mean():
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    grey = Recolour(_turn_hue(1.0, 0.0), 1.0)(image)
    assert (grey.float() - image.float().mean(dim=0)).abs().max() <= 1


def test_tones_bend_and_stay_bytes():
    image = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    bent = Recolour(np.eye(3, dtype=np.float32), 1.5)(image)[0, 0]
    expected = [round(255 * (value / 255) ** 1.5) for value in range(256)]
    assert bent.tolist() == expected


def test_the_share_of_episodes_that_get_new_colours():
    rng = np.random.default_rng(0)
    drawn = [Augment(recolour=0.3).draw_colours(rng) is not None for _ in range(500)]
    assert 0.22 < np.mean(drawn) < 0.38
    assert Augment().draw_colours(rng) is None
