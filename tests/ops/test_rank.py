import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.core import ShapeError
from fewscape.ops import rank_prior
from tests.reference import rank as slow


def draw(seed, batch=2, num_query=7, num_support=11, channels=5):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(batch, num_query, channels, generator=generator)
    support = torch.randn(batch, num_support, channels, generator=generator)
    return query, support, torch.rand(batch, num_support, generator=generator) < 0.4


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), shared=st.booleans())
def test_all_rankings_at_once_are_those_of_the_loop(seed, shared):
    query, support, foreground = draw(seed)
    if shared:
        support, foreground = support[:1], foreground[:1]
    prior = rank_prior(query, support, foreground)
    for index in range(2):
        other = 0 if shared else index
        expected = slow.ndcg(
            query[index].double().numpy(),
            support[other].double().numpy(),
            foreground[other].numpy(),
        )
        np.testing.assert_allclose(prior[index].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("nearest_two", "expected"),
    [((1, 0), 0.61315), ((0, 1), 0.38685), ((1, 1), 1.0), ((0, 0), 0.0)],
)
def test_the_two_nearest_of_four(nearest_two, expected):
    rest = [1] * (2 - sum(nearest_two)) + [0] * sum(nearest_two)
    foreground = torch.tensor([[*nearest_two, *rest]], dtype=torch.bool)
    support = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]])
    prior = rank_prior(torch.zeros(1, 1, 1), support, foreground)
    assert prior.item() == pytest.approx(expected, abs=1e-5)


def test_no_foreground_is_zero_and_nothing_else_is_one():
    query, support, foreground = draw(0)
    assert (rank_prior(query, support, torch.zeros_like(foreground)) == 0).all()
    assert torch.allclose(
        rank_prior(query, support, torch.ones_like(foreground)), torch.ones(2, 7), atol=1e-6
    )


def test_a_common_shift_and_a_common_turn_change_nothing():
    query, support, foreground = draw(1)
    expected = rank_prior(query, support, foreground)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(rank_prior(query @ turn, support @ turn, foreground), expected, atol=1e-6)
    shifted = rank_prior(query + 100, support + 100, foreground)
    assert torch.allclose(shifted, expected, atol=1e-6)


def test_random_rankings_reach_the_share_of_foreground_and_nothing_after_correction():
    generator = torch.Generator().manual_seed(4)
    query = torch.randn(300, 1, 6, generator=generator)
    support = torch.randn(300, 40, 6, generator=generator)
    foreground = torch.zeros(300, 40, dtype=torch.bool)
    foreground[:, :10] = True
    raw = rank_prior(query, support, foreground)
    corrected = rank_prior(query, support, foreground, chance_correct=True)
    assert raw.mean().item() == pytest.approx(0.25, abs=0.03)
    assert torch.allclose(corrected, ((raw - 0.25) / 0.75).clamp(min=0), atol=1e-6)
    full = rank_prior(query, support, torch.ones_like(foreground), chance_correct=True)
    assert full.abs().max() < 1e-4


def test_ranks_stay_in_float32_under_autocast():
    query, support, foreground = draw(5, num_support=64)
    with torch.autocast("cpu", torch.bfloat16):
        prior = rank_prior(query, support, foreground)
    assert prior.dtype == torch.float32
    assert torch.equal(prior, rank_prior(query, support, foreground))


def test_a_mask_of_another_size_is_refused():
    query, support, foreground = draw(6)
    with pytest.raises(ShapeError, match=r"foreground has shape \(2, 10\).*N = 11"):
        rank_prior(query, support, foreground[:, :10])
