import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.core import ShapeError
from fewscape.ops import paint_regions, pool_masked, pool_regions
from tests.reference.correlation import region_mean


@settings(max_examples=25, deadline=None)
@given(
    batch=st.integers(1, 3),
    positions=st.integers(1, 40),
    num_regions=st.integers(1, 12),
    seed=st.integers(0, 10**6),
)
def test_region_means_match_the_loop(batch, positions, num_regions, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(batch, positions, 5, generator=generator)
    regions = torch.randint(-1, num_regions + 2, (batch, positions), generator=generator)
    means = pool_regions(rows, regions, num_regions)
    for index in range(batch):
        expected = region_mean(rows[index].double().numpy(), regions[index].numpy(), num_regions)
        np.testing.assert_allclose(means[index].numpy(), expected, atol=1e-5)


def test_painting_gives_each_position_the_mean_of_its_region():
    rows = torch.randn(2, 6, 3)
    regions = torch.tensor([[0, 0, 1, -1, 7, 1], [2, 2, 2, 2, 2, 2]])
    means = pool_regions(rows, regions, 3)
    painted = paint_regions(means, regions)
    assert torch.allclose(painted[0, 0], rows[0, :2].mean(0), atol=1e-6)
    assert torch.equal(painted[0, 3], torch.zeros(3))
    assert torch.equal(painted[0, 4], torch.zeros(3)), "an id beyond num_regions is no region"
    assert torch.allclose(painted[1, 5], rows[1].mean(0), atol=1e-6)


def test_region_pooling_has_the_right_gradient():
    rows = torch.randn(1, 5, 2, dtype=torch.float64, requires_grad=True)
    regions = torch.tensor([[0, 1, 0, -1, 1]])
    weight = torch.randn(1, 2, 2)
    (pool_regions(rows, regions, 2) * weight).sum().backward()
    assert torch.allclose(rows.grad[0, 0], weight[0, 0].double() / 2, atol=1e-6)
    assert torch.equal(rows.grad[0, 3], torch.zeros(2, dtype=torch.float64))


def test_masked_mean_matches_the_sum():
    maps, weights = torch.randn(2, 3, 4, 5), torch.rand(2, 4, 5)
    expected = (maps * weights[:, None]).sum((2, 3)) / weights.sum((1, 2))[:, None]
    assert torch.allclose(pool_masked(maps, weights), expected, atol=1e-5)


def test_an_empty_mask_pools_to_zeros():
    assert torch.equal(
        pool_masked(torch.randn(1, 3, 4, 4), torch.zeros(1, 4, 4)), torch.zeros(1, 3)
    )


def test_sums_stay_in_float32_for_bfloat16_maps():
    maps = torch.ones(1, 1, 64, 64, dtype=torch.bfloat16)
    assert pool_masked(maps, torch.ones(1, 64, 64)).item() == pytest.approx(1.0)
    assert pool_regions(maps.flatten(2).transpose(1, 2), torch.zeros(1, 4096).long(), 1).item() == 1


def test_a_wrong_shape_names_the_tensor():
    with pytest.raises(ShapeError, match=r"weights has shape \(1, 3, 3\)"):
        pool_masked(torch.zeros(1, 2, 4, 4), torch.zeros(1, 3, 3))


def test_smoothing_counts_as_area_without_features():
    pooled = pool_masked(torch.ones(1, 1, 2, 2), torch.ones(1, 2, 2), smoothing=1.0)
    assert pooled.item() == pytest.approx(4 / 5)
