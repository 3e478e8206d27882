import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.mapping import BlendingBand
from fewscape.ops import resize_maps
from fewscape.raster import plan_windows, taper


def collect(strips, grid, num_classes):
    probabilities = torch.full((num_classes, grid.height, grid.width), torch.nan)
    valid = np.zeros((grid.height, grid.width), bool)
    expected_row = 0
    for strip in strips:
        assert strip.row == expected_row
        rows = slice(strip.row, strip.row + strip.probabilities.shape[1])
        probabilities[:, rows] = strip.probabilities
        valid[rows] = strip.valid
        expected_row = rows.stop
    assert expected_row == grid.height
    return probabilities, valid


def blend_in_band(grid, stride, scores, valid, order=None):
    band = BlendingBand(grid, 2, stride)

    def strips():
        for row in grid.rows:
            for window in [w for w in grid if w.row == row][:: order or 1]:
                yield from band.advance(window.row)
                band.add(window, scores[window], valid[window])
        yield from band.finish()

    return collect(strips(), grid, 2)


def blend_slowly(grid, stride, scores):
    """Everything at once: dense sums over the padded scene, enlarged as one piece."""
    size = grid.padded_height // stride, grid.padded_width // stride
    sums, weights = (
        torch.zeros(2, *size, dtype=torch.float64),
        torch.zeros(size, dtype=torch.float64),
    )
    side = grid.window // stride
    line = torch.from_numpy(taper(side, max(1, grid.overlap // stride)))
    for window in grid:
        row, col = window.row // stride, window.col // stride
        sums[:, row : row + side, col : col + side] += scores[window] * line[:, None] * line
        weights[row : row + side, col : col + side] += line[:, None] * line
    whole = resize_maps((sums / weights).float()[None], (grid.padded_height, grid.padded_width))[0]
    return whole[:, : grid.height, : grid.width]


@given(
    st.integers(1, 150),
    st.integers(1, 90),
    st.sampled_from([(8, 1), (16, 4), (32, 8), (24, 2)]),
    st.floats(0, 0.7),
    st.sampled_from([1, -1]),
    st.integers(1, 4000),
)
@settings(max_examples=60, deadline=None)
def test_the_band_equals_blending_the_whole_scene(height, width, sizes, overlap, order, chunk):
    side, stride = sizes
    shared = min(max(round(overlap * side), stride), side - stride)
    grid = plan_windows(height, width, side, shared, stride)
    generator = torch.Generator().manual_seed(height * 1000 + width)
    scores = {w: torch.rand(2, side // stride, side // stride, generator=generator) for w in grid}
    valid = {w: np.random.default_rng(w.row).random((side, side)) < 0.3 for w in grid}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fewscape.mapping.windows.blending.CHUNK_PIXELS", chunk)
        found, seen = blend_in_band(grid, stride, scores, valid, order)
    assert torch.allclose(found, blend_slowly(grid, stride, scores), atol=1e-6)
    expected = np.zeros((grid.padded_height, grid.padded_width), bool)
    for window in grid:
        expected[window.slices] |= valid[window]
    assert np.array_equal(seen, expected[:height, :width])


def test_rows_of_windows_may_be_skipped():
    grid = plan_windows(200, 20, 16, 4, 4)
    valid = np.zeros((grid.padded_height, grid.padded_width), bool)
    valid[100:120] = True
    band = BlendingBand(grid, 2, 4)

    def strips():
        for window in grid:
            if valid[window.slices].any():
                yield from band.advance(window.row)
                band.add(window, torch.ones(2, 4, 4), valid[window.slices])
        yield from band.finish()

    found, seen = collect(strips(), grid, 2)
    assert np.array_equal(seen, valid[:200, :20])
    assert torch.allclose(found[:, 100:120], torch.ones(()))
    assert not found.isnan().any()


def test_memory_depends_on_the_width_and_not_on_the_height():
    def size(height, width):
        return BlendingBand(plan_windows(height, width, 32, 8, 4), 3, 4).num_bytes

    assert size(40, 1000) == size(100_000, 1000)
    assert size(40, 2000) > 1.9 * size(40, 1000)


def test_halo_cells_count_only_where_no_other_window_sees_more():
    grid = plan_windows(8, 26, 16, 12, 1)
    band = BlendingBand(grid, 1, 1, halo=4)
    for window in grid:
        scores = torch.ones(1, 16, 16)
        scores[:, :, :4] = scores[:, :, -4:] = 0
        band.add(window, scores, np.ones((16, 16), bool))
    probabilities = next(iter(band.finish())).probabilities[0, 6]
    assert (probabilities[:4] == 0).all()
    assert (probabilities[4:-5] > 0.99).all()
