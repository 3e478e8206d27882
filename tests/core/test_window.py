import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import Window

SIDE = st.integers(0, 6)


@given(row=SIDE, col=SIDE, height=SIDE, width=SIDE)
def test_slices_cut_the_window_out_of_the_last_axes(row, col, height, width):
    rows, cols = np.meshgrid(np.arange(12), np.arange(12), indexing="ij")
    cut = np.stack([rows, cols])[..., *Window(row, col, height, width).slices]
    assert cut.shape == (2, height, width)
    assert np.array_equal(cut[0, :, :1].ravel(), row + np.arange(height)[: cut[0, :, :1].size])
    assert np.array_equal(cut[1, :1].ravel(), col + np.arange(width)[: cut[1, :1].size])


def test_a_window_reads_as_its_four_numbers():
    assert list(Window(1, 2, 3, 4)) == [1, 2, 3, 4]
