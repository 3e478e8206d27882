import pytest
import torch
import torch.nn.functional as F

from fewscape.layers import CenterPivotBlock, CenterPivotConv4d
from fewscape.layers.center_pivot import GroupNorm4d


def convolve_slowly(layer, pairs):
    """Each query part for one support position, each support part for one query position."""
    batch, height, width, rows, cols, _ = pairs.shape
    stride = layer.stride
    out_rows, out_cols = -(-rows // stride), -(-cols // stride)
    result = pairs.new_zeros(batch, height, width, out_rows, out_cols, layer.query.out_channels)
    for row in range(out_rows):
        for col in range(out_cols):
            plane = pairs[:, :, :, row * stride, col * stride].permute(0, 3, 1, 2)
            mixed = F.conv2d(
                plane, layer.query.weight, layer.query.bias, padding=layer.query.padding
            )
            result[:, :, :, row, col] += mixed.permute(0, 2, 3, 1)
    for row in range(height):
        for col in range(width):
            plane = pairs[:, row, col].permute(0, 3, 1, 2)
            mixed = layer.support(plane)
            result[:, row, col] += mixed.permute(0, 2, 3, 1)
    return result


@pytest.mark.parametrize(
    ("kernel", "stride", "query", "support"),
    [
        (3, 2, (4, 5), (4, 4)),
        (5, 4, (6, 4), (8, 8)),
        (3, 1, (4, 4), (1, 1)),
        (3, 2, (3, 3), (2, 2)),
        (3, 2, (4, 4), (5, 3)),
    ],
)
def test_it_matches_the_loop(kernel, stride, query, support):
    layer = CenterPivotConv4d(2, 6, kernel, stride).double()
    pairs = torch.randn(2, *query, *support, 2, dtype=torch.float64)
    expected = convolve_slowly(layer, pairs)
    assert torch.allclose(layer(pairs), expected, atol=1e-12)


def test_two_sizes_in_a_row_do_not_disturb_each_other():
    layer = CenterPivotConv4d(2, 4, 3, 2)
    large, small = torch.randn(1, 4, 4, 8, 8, 2), torch.randn(1, 4, 4, 4, 4, 2)
    first = layer(large)
    layer(small)
    assert torch.equal(layer(large), first)


def test_a_single_support_position_trains_only_the_taps_that_see_data():
    layer = CenterPivotConv4d(2, 4, 3, 1)
    layer(torch.randn(1, 4, 4, 1, 1, 2)).sum().backward()
    touched = layer.support.weight.grad.abs().sum((0, 1)) > 0
    assert touched.flatten().tolist() == [False] * 4 + [True] + [False] * 4


def test_group_norm_is_that_of_the_channel_first_tensor():
    norm = GroupNorm4d(4, 8)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    pairs = torch.randn(2, 3, 4, 5, 2, 8)
    expected = F.group_norm(pairs.movedim(-1, 1), 4, norm.weight, norm.bias, norm.eps)
    assert torch.allclose(norm(pairs).movedim(-1, 1), expected, atol=1e-5)


def test_a_block_squeezes_the_support_side():
    block = CenterPivotBlock(2, (8, 16), (3, 3), (4, 2))
    assert block(torch.randn(1, 4, 6, 16, 16, 2)).shape == (1, 4, 6, 2, 2, 16)
