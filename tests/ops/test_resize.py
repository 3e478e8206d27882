import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.ops import average_mask, resize_maps, sample_nearest


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
