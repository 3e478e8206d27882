import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.ops import mean_cosine_prior
from tests.reference import rank as slow


def draw(seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(2, 6, 4, generator=generator, dtype=dtype)
    support = torch.randn(2, 9, 4, generator=generator, dtype=dtype)
    shares = torch.rand(2, 9, generator=generator, dtype=dtype)
    shares[:, :3] = 0
    return query, support, shares


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), shared=st.booleans(), by_share=st.booleans())
def test_the_product_form_is_that_of_the_loop(seed, shared, by_share):
    query, support, shares = draw(seed)
    if shared:
        support, shares = support[:1], shares[:1]
    prior = mean_cosine_prior(query, support, shares, by_share)
    loop = slow.mean_cosine_by_share if by_share else slow.mean_cosine
    for index in range(2):
        other = 0 if shared else index
        expected = loop(
            query[index].double().numpy(),
            support[other].double().numpy(),
            shares[other].double().numpy(),
        )
        np.testing.assert_allclose(prior[index].numpy(), expected, atol=5e-5)


@pytest.mark.parametrize("by_share", [True, False])
def test_equal_vectors_give_one_opposite_ones_zero_and_length_does_not_count(by_share):
    vectors = torch.tensor([3.0, 4.0]).expand(1, 5, 2)
    full = torch.ones(1, 5)
    assert mean_cosine_prior(vectors, vectors, full, by_share).sub(1).abs().max() < 1e-4
    assert (mean_cosine_prior(vectors, -vectors, full, by_share) == 0).all()
    query, support, shares = draw(1)
    expected = mean_cosine_prior(query, support, shares, by_share)
    scaled = mean_cosine_prior(7 * query, 3 * support, shares, by_share)
    assert torch.allclose(scaled, expected, atol=1e-4)


def test_without_foreground_the_prior_is_zero():
    query, support, shares = draw(2)
    assert (mean_cosine_prior(query, support, torch.zeros_like(shares)) == 0).all()


def test_touched_positions_count_fully_as_published_and_by_their_share_else():
    vectors = torch.ones(1, 1, 3)
    touched = torch.full((1, 1), 0.1)
    assert mean_cosine_prior(vectors, vectors, touched, by_share=False).item() > 9
    assert mean_cosine_prior(vectors, vectors, touched).item() == pytest.approx(1, abs=1e-3)


def test_the_gradient_reaches_the_support():
    query, support, shares = draw(3)
    support.requires_grad_()
    mean_cosine_prior(query, support, shares).sum().backward()
    assert (support.grad[:, :3] == 0).all()
    assert support.grad[:, 3:].abs().sum() > 0
