import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewscape.core import ConfigError
from fewscape.raster import plan_windows, taper
from fewscape.raster.grid import reflect


@st.composite
def plans(draw):
    multiple = draw(st.sampled_from([1, 2, 4, 8]))
    window = multiple * draw(st.integers(1, 12))
    overlap = draw(st.integers(0, window - multiple))
    height, width = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    return plan_windows(height, width, window, overlap, multiple), overlap


@given(plans())
def test_every_pixel_is_covered_and_origins_lie_on_the_cells(planned):
    grid, overlap = planned
    covered = np.zeros((grid.padded_height, grid.padded_width), bool)
    for window in grid:
        covered[window.slices] = True
        assert window.height == window.width == grid.window
        assert window.row % grid.multiple == 0
        assert window.col % grid.multiple == 0
    assert covered.all()
    assert grid.padded_height >= grid.height
    assert grid.padded_width >= grid.width
    assert len(list(grid)) == len(grid)
    for origins in (grid.rows, grid.cols):
        steps = np.diff(origins)
        assert (steps > 0).all()
        assert (grid.window - steps >= overlap).all()


@given(plans())
def test_windows_pass_the_edge_by_less_than_a_cell_unless_the_scene_is_smaller(planned):
    grid, _ = planned
    for padded, length in (
        (grid.padded_height, grid.height),
        (grid.padded_width, grid.width),
    ):
        assert padded == grid.window if length <= grid.window else padded - length < grid.multiple


@given(plans())
def test_windows_come_row_by_row(planned):
    grid, _ = planned
    order = [(window.row, window.col) for window in grid]
    assert order == sorted(order)


@given(plans(), st.integers(0, 6))
def test_tapers_sum_to_one_when_normalised(planned, margin):
    grid, overlap = planned
    cells = grid.window // grid.multiple
    weights = taper(cells, max(1, overlap // grid.multiple), margin)
    assert (weights > 0).all()
    assert (weights <= 1).all()
    assert np.array_equal(weights, weights[::-1])
    total = np.zeros((grid.padded_height // grid.multiple, grid.padded_width // grid.multiple))
    places = []
    for window in grid:
        row, col = window.row // grid.multiple, window.col // grid.multiple
        places.append((slice(row, row + cells), slice(col, col + cells)))
        total[places[-1]] += np.outer(weights, weights)
    normal = np.zeros_like(total)
    for place in places:
        normal[place] += np.outer(weights, weights) / total[place]
    assert np.allclose(normal, 1, atol=1e-12)


@given(st.integers(1, 9), st.integers(-30, 30))
def test_reflect_agrees_with_numpy(length, start):
    positions = np.arange(start, start + 12)
    line = np.pad(np.arange(length), 60, mode="symmetric")
    assert np.array_equal(reflect(positions, length), line[positions + 60])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 10, 8, 0, 1), "0 x 10 pixels"),
        ((10, 10, 10, 0, 4), "windows of 10 pixels do not fit cells of 4"),
        ((10, 10, 8, 8, 1), "overlap of 8 pixels does not fit windows of 8"),
    ],
)
def test_refuses_impossible_sizes(sizes, message):
    with pytest.raises(ConfigError, match=message):
        plan_windows(*sizes)
