import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.ops import (
    correlate,
    correlate_regions,
    joined_norms,
    pool_regions,
    share_scale,
    support_scale,
)
from tests.reference import correlation as slow


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), shared=st.booleans())
def test_the_factored_product_is_that_of_the_joined_vectors(seed, shared):
    generator = torch.Generator().manual_seed(seed)
    batch, num_query, num_support, channels, num_regions = 2, 9, 7, 4, 5
    batches = (batch, 1 if shared else batch)
    query = torch.randn(batches[0], num_query, channels, generator=generator)
    support = torch.randn(batches[1], num_support, channels, generator=generator)
    regions = [
        torch.randint(-1, num_regions + 1, (b, n), generator=generator)
        for b, n in zip(batches, (num_query, num_support), strict=True)
    ]
    weights = torch.rand(batches[1], num_support, generator=generator)
    weights[:, 0] = 0
    means = [
        pool_regions(r, ids, num_regions) for r, ids in zip((query, support), regions, strict=True)
    ]
    dots = correlate_regions(query, support, *means, *regions)
    scale = support_scale(joined_norms(support, means[1], regions[1]), weights)
    cosines = dots.relu() * scale[:, None]
    for index in range(batch):
        other = 0 if shared else index
        expected = slow.clamped_cosines(
            slow.joined(query[index].double().numpy(), regions[0][index].numpy(), num_regions),
            slow.joined(support[other].double().numpy(), regions[1][other].numpy(), num_regions),
            weights[other].double().numpy(),
        )
        np.testing.assert_allclose(cosines[index].numpy(), expected, atol=2e-6)


def test_plain_correlation_matches_the_loop():
    query, support = torch.randn(1, 6, 3), torch.randn(1, 5, 3)
    scale = support_scale(support.norm(dim=2), torch.ones(1, 5))
    cosines = correlate(query, support).relu() * scale[:, None]
    expected = slow.clamped_cosines(
        query[0].double().numpy(), support[0].double().numpy(), np.ones(5)
    )
    np.testing.assert_allclose(cosines[0].numpy(), expected, atol=2e-6)


def test_empty_positions_correlate_with_nothing():
    query, support = torch.zeros(1, 2, 3), torch.randn(1, 2, 3)
    assert torch.equal(correlate(query, support), torch.zeros(1, 2, 2))
    assert torch.equal(support_scale(torch.ones(2), torch.zeros(2)), torch.zeros(2))


def test_shares_multiply_the_cosines():
    query, support, shares = torch.randn(1, 6, 3), torch.randn(1, 5, 3), torch.rand(1, 5)
    cosines = correlate(query, support) * share_scale(support.norm(dim=2), shares)[:, None]
    for first, one in enumerate(query[0].double().numpy()):
        for second, other in enumerate(support[0].double().numpy()):
            cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
            expected = cosine * shares[0, second].item()
            np.testing.assert_allclose(cosines[0, first, second].item(), expected, atol=1e-4)
