import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from fewscape.ops import score_regions, select_key_regions


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def test_scores_are_the_means_over_all_pairs():
    pan, ms = unit(3, 12, 8), unit(3, 12, 8)
    pairs = torch.einsum("bic,bjc->bij", pan, ms)
    torch.testing.assert_close(score_regions(pan, ms), pairs.mean(dim=2), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(score_regions(ms, pan), pairs.mean(dim=1), atol=1e-5, rtol=1e-5)


def literal_selection(first, second, share):
    count = len(first)
    kept = max(1, int(share * count))
    least = max(2, -(-kept // 5))
    ranks = []
    for scores in (first, second):
        order = sorted(range(count), key=lambda place: (-scores[place], place))
        ranks.append({place: rank for rank, place in enumerate(order)})
    chosen = {p for p in range(count) if all(rank[p] < kept for rank in ranks)}
    rest = sorted(set(range(count)) - chosen, key=lambda p: (ranks[0][p] + ranks[1][p], p))
    is_completed = len(chosen) < least
    while len(chosen) < least:
        chosen.add(rest.pop(0))
    return chosen, is_completed


@given(seed=st.integers(0, 500), share=st.sampled_from([0.1, 0.3, 0.6]), levels=st.integers(2, 30))
def test_selection_agrees_with_the_loop_also_with_ties(seed, share, levels):
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randint(levels, (2, 4, 20), generator=generator).float()
    keys = select_key_regions(first, second, share)
    completed = 0
    for number in range(4):
        expected, is_completed = literal_selection(
            first[number].tolist(), second[number].tolist(), share
        )
        assert set(keys.mask[number].nonzero()[:, 0].tolist()) == expected
        completed += is_completed
    assert int(keys.num_completed) == completed


def test_the_same_scores_keep_exactly_their_share():
    scores = torch.zeros(2, 64)  # all ties: the earlier ones
    keys = select_key_regions(scores, scores, 0.3)
    assert keys.mask.sum(dim=1).tolist() == [19, 19]
    assert keys.mask[:, :19].all()


def test_permuting_regions_permutes_the_keys():
    first, second = torch.randn(2, 3, 40)
    order = torch.randperm(40)
    expected = select_key_regions(first, second, 0.3).mask[:, order]
    found = select_key_regions(first[:, order], second[:, order], 0.3).mask
    assert torch.equal(found, expected)


def test_no_gradient_passes_the_selection():
    first = torch.randn(1, 10, requires_grad=True)
    assert not select_key_regions(first, first, 0.3).mask.requires_grad
