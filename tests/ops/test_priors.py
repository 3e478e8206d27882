import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.ops import max_cosine_prior, min_max
from tests.reference import priors as slow


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), shared=st.booleans(), count_shares=st.booleans())
def test_it_matches_the_loop(seed, shared, count_shares):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(3, 7, 5, generator=generator)
    support = torch.randn(1 if shared else 3, 6, 5, generator=generator)
    shares = torch.rand(support.shape[:2], generator=generator)
    shares[:, :2] = 0
    priors = max_cosine_prior(query, support, shares, count_shares)
    assert priors.shape == (3, 7)
    for index in range(3):
        other = 0 if shared else index
        expected = slow.max_cosine_prior(
            query[index].double().numpy(),
            support[other].double().numpy(),
            shares[other].double().numpy(),
            count_shares,
        )
        np.testing.assert_allclose(priors[index].numpy(), expected, atol=1e-5)


def test_the_most_similar_position_has_one_and_the_least_zero():
    query, support = torch.rand(2, 9, 4), torch.rand(2, 5, 4)
    priors = max_cosine_prior(query, support, torch.ones(2, 5))
    assert torch.allclose(priors.amax(dim=1), torch.ones(2), atol=1e-5)
    assert torch.equal(priors.amin(dim=1), torch.zeros(2))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_constant_prior_is_zero(share):
    same = torch.ones(1, 4, 3)
    priors = max_cosine_prior(same, same, torch.full((1, 4), share))
    assert priors.abs().max() < 1e-3


def test_a_small_share_counts_fully_only_as_published():
    query = torch.eye(3)[None]
    shares = torch.tensor([[0.5, 1.0]])
    published = max_cosine_prior(query, query[:, :2], shares)
    counted = max_cosine_prior(query, query[:, :2], shares, count_shares=True)
    assert published[0].tolist() == pytest.approx([1.0, 1.0, 0.0], abs=1e-5)
    assert counted[0].tolist() == pytest.approx([0.5, 1.0, 0.0], abs=1e-5)


def test_stretching_keeps_the_order():
    values = torch.randn(3, 8)
    assert torch.equal(min_max(values).argsort(dim=1), values.argsort(dim=1))
