import pytest
import torch

from fewscape.core import ShapeError
from fewscape.ops import region_membership, share_regions


def draw(ratio=4, height=5, width=6, regions=7):
    return torch.randint(0, regions, (ratio * height, ratio * width))


def literal(maps, labels, ratio):
    """Region means weighted by shares, then means of regions weighted by shares."""
    height, width = maps.shape[2:]
    shares = {}
    for row in range(height):
        for col in range(width):
            block = labels[ratio * row : ratio * (row + 1), ratio * col : ratio * (col + 1)]
            for region in block.flatten().tolist():
                key = (region, row, col)
                shares[key] = shares.get(key, 0) + 1 / ratio**2
    means = {}
    for region in {key[0] for key in shares}:
        own = {key: share for key, share in shares.items() if key[0] == region}
        total = sum(share * maps[:, :, row, col] for (_, row, col), share in own.items())
        means[region] = total / sum(own.values())
    painted = torch.zeros_like(maps)
    for (region, row, col), share in shares.items():
        painted[:, :, row, col] += share * means[region]
    return painted


@pytest.mark.parametrize("ratio", [2, 4])
def test_sharing_agrees_with_the_loop(ratio):
    labels, maps = draw(ratio), torch.randn(2, 3, 5, 6)
    found = share_regions(maps, region_membership(labels, ratio))
    torch.testing.assert_close(found, literal(maps, labels, ratio), atol=1e-5, rtol=1e-5)


def test_the_shares_of_a_cell_sum_to_one():
    shares = region_membership(draw(), 4).to_dense()
    torch.testing.assert_close(shares.sum(dim=0), torch.ones(30))


def test_a_constant_map_stays_constant():
    maps = torch.full((1, 2, 5, 6), 3.0)
    torch.testing.assert_close(share_regions(maps, region_membership(draw(), 4)), maps)


def test_both_sources_get_the_same_regions():
    labels = draw()
    membership = region_membership(labels, 4)
    maps = torch.randn(2, 3, 5, 6)
    alone = [share_regions(maps[number : number + 1], membership) for number in range(2)]
    torch.testing.assert_close(share_regions(maps, membership), torch.cat(alone))


def test_gradients_reach_the_maps():
    maps = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    membership = region_membership(draw(), 4)
    assert torch.autograd.gradcheck(lambda own: share_regions(own, membership), maps)


def test_sizes_out_of_ratio_are_refused():
    with pytest.raises(
        ShapeError, match=r"19 x 24 pixels; both sides must be multiples of the rati"
    ):
        region_membership(torch.zeros(19, 24, dtype=torch.int32), 4)
