import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.ops import (
    average_mask,
    fit_maps,
    resize_maps,
    sample_mask,
    sample_nearest,
    shrink_maps,
)


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(1, 6), cols=st.integers(1, 6), cell=st.integers(1, 5), seed=st.integers(0, 999)
)
def test_shares_are_means_over_the_cells(rows, cols, cell, seed):
    values = np.random.default_rng(seed).choice([0, 1, 255], (rows * cell, cols * cell))
    shares = average_mask(torch.from_numpy(values)[None].to(torch.uint8), (rows, cols))
    for row in range(rows):
        for col in range(cols):
            part = values[row * cell : (row + 1) * cell, col * cell : (col + 1) * cell]
            assert np.isclose(shares[0][0, row, col], (part == 1).mean(), atol=1e-6)
            assert np.isclose(shares[1][0, row, col], (part == 0).mean(), atol=1e-6)


def test_corner_and_centre_pick_the_stated_pixel():
    grid = torch.arange(64).reshape(1, 8, 8)
    assert sample_nearest(grid, (2, 2), "corner").flatten().tolist() == [0, 4, 32, 36]
    assert sample_nearest(grid, (2, 2), "centre").flatten().tolist() == [18, 22, 50, 54]


def test_corner_sampling_is_nearest_resizing():
    grid = torch.randint(0, 99, (2, 40, 56))
    expected = torch.nn.functional.interpolate(grid[:, None].float(), (5, 7), mode="nearest")
    assert torch.equal(sample_nearest(grid, (5, 7), "corner"), expected[:, 0].long())


def test_the_same_size_is_returned_as_it_is():
    maps = torch.randn(1, 2, 3, 4)
    assert resize_maps(maps, (3, 4)) is maps


def test_both_grids_keep_a_constant_map():
    maps = torch.full((1, 1, 3, 3), 2.5)
    for align in (False, True):
        assert torch.allclose(resize_maps(maps, (7, 11), align), torch.tensor(2.5))


def interpolate_slowly(plane, row, col):
    """Bilinear value of a plane at a fractional position."""
    top, left = min(int(row), plane.shape[0] - 2), min(int(col), plane.shape[1] - 2)
    down, right = row - top, col - left
    upper = plane[top, left] * (1 - right) + plane[top, left + 1] * right
    lower = plane[top + 1, left] * (1 - right) + plane[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def test_mask_samples_lie_on_a_grid_whose_corners_are_the_image_corners():
    values = np.random.default_rng(3).choice([0, 1, 255], (9, 12))
    samples = sample_mask(torch.from_numpy(values)[None].to(torch.uint8), (4, 5))
    for side, value in zip(samples, (1, 0), strict=True):
        plane = (values == value).astype(float)
        for row in range(4):
            for col in range(5):
                expected = interpolate_slowly(plane, row * 8 / 3, col * 11 / 4)
                assert np.isclose(side[0, row, col], expected, atol=1e-5)


def test_shrinking_averages_large_sides_and_leaves_small_ones():
    maps = torch.randn(2, 3, 8, 3)
    expected = maps.view(2, 3, 4, 2, 3).mean(dim=3)
    assert torch.allclose(shrink_maps(maps, 4), expected, atol=1e-6)
    assert torch.equal(shrink_maps(maps, 16), maps)


def test_fitting_averages_what_becomes_coarser_and_interpolates_what_becomes_finer():
    maps = torch.rand(2, 3, 4, 6)
    assert torch.allclose(
        fit_maps(maps, (2, 3)), maps.unflatten(3, (3, 2)).unflatten(2, (2, 2)).mean((3, 5))
    )
    assert torch.equal(fit_maps(maps, (8, 12)), resize_maps(maps, (8, 12)))
    both = resize_maps(maps.unflatten(2, (2, 2)).mean(3), (2, 12))
    assert torch.equal(fit_maps(maps, (2, 12)), both)
    assert fit_maps(maps, (4, 6)) is maps
