import numpy as np
import pytest
import torch

from fewscape.ops import average_square, filter_guided
from tests.reference import texture


@pytest.mark.parametrize("radius", [1, 3])
@pytest.mark.parametrize("added_variance", [0.01, 0.1, 1.0])
def test_it_equals_a_line_fitted_in_every_square(radius, added_variance):
    maps, guide = torch.rand(2, 2, 12, 15), torch.rand(2, 1, 12, 15)
    found = filter_guided(maps, guide, radius, added_variance)
    for index in range(2):
        for band in range(2):
            expected = texture.filter_guided(
                maps[index, band].double().numpy(),
                guide[index, 0].double().numpy(),
                radius,
                added_variance,
            )
            np.testing.assert_allclose(found[index, band].numpy(), expected, atol=2e-5)


def test_under_an_even_guide_it_averages_twice():
    maps = torch.rand(1, 3, 20, 20)
    even = torch.full((1, 1, 20, 20), 0.4)
    expected = average_square(average_square(maps, 7), 7)
    torch.testing.assert_close(filter_guided(maps, even, 3, 0.1), expected)


def test_edges_of_the_guide_stay_and_noise_beside_them_goes():
    generator = torch.Generator().manual_seed(0)
    step = (torch.arange(40) >= 20).float().expand(1, 1, 40, 40)
    noisy = step + 0.3 * torch.randn(step.shape, generator=generator)
    found = filter_guided(noisy, 4 * step, 4, 0.1)
    assert (found - step).abs().mean() < 0.06
    across = found[..., 20].mean() - found[..., 19].mean()
    assert across > 0.9
    # An average over the squares would be slanted there.
    assert (average_square(noisy, 9)[..., 20].mean() - 0.5).abs() < 0.15


def test_a_map_like_its_guide_is_kept():
    guide = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(
        filter_guided(2 * guide - 1, guide, 2, 1e-6), 2 * guide - 1, atol=1e-3, rtol=0
    )


def test_what_is_equal_stays_equal():
    maps = torch.full((1, 2, 9, 9), -3.5)
    torch.testing.assert_close(filter_guided(maps, torch.rand(1, 1, 9, 9), 5, 0.1), maps)


def test_maps_smaller_than_a_square():
    assert filter_guided(torch.rand(1, 1, 1, 2), torch.rand(1, 1, 1, 2), 5, 0.1).isfinite().all()


def test_sums_over_classes_stay():
    """The filter is linear in the maps, so that scores of all classes keep their sum."""
    maps, guide = torch.rand(1, 4, 14, 14), torch.rand(1, 1, 14, 14)
    whole = filter_guided(maps, guide, 3, 0.1).sum(dim=1, keepdim=True)
    torch.testing.assert_close(whole, filter_guided(maps.sum(1, keepdim=True), guide, 3, 0.1))
