import torch
from hypothesis import given
from hypothesis import strategies as st

from fewscape.ops import compare_prototypes, pool_prototypes, weigh_cosines


@given(seed=st.integers(0, 999), sides=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_prototypes_and_cosines_equal_the_loops(seed, sides):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 3, *sides, generator=generator)
    shares = torch.rand(2, 2, *sides, generator=generator)
    prototypes = pool_prototypes(maps, list(shares))
    cosines = compare_prototypes(maps, prototypes)
    for sample in range(2):
        for side in range(2):
            total = sum(
                shares[side, sample, row, column] * maps[sample, :, row, column]
                for row in range(sides[0])
                for column in range(sides[1])
            )
            expected = total / total.norm()
            assert torch.allclose(prototypes[sample, side], expected, atol=1e-5)
            for row in range(sides[0]):
                for column in range(sides[1]):
                    vector = maps[sample, :, row, column]
                    cosine = vector @ expected / vector.norm()
                    assert torch.allclose(cosines[sample, side, row, column], cosine, atol=1e-5)


def test_a_side_without_weight_is_similar_to_nothing():
    maps = torch.randn(1, 3, 2, 2)
    prototypes = pool_prototypes(maps, [torch.zeros(1, 2, 2)])
    assert compare_prototypes(maps, prototypes).abs().max() == 0


def test_one_support_serves_every_query():
    maps, prototypes = torch.randn(4, 3, 2, 2), torch.randn(1, 2, 3)
    expected = compare_prototypes(maps, prototypes.expand(4, -1, -1))
    assert torch.equal(compare_prototypes(maps, prototypes), expected)


def test_the_foreground_comes_second_in_logits():
    cosines = [
        torch.tensor([0.75, 0.25]).view(1, 2, 1, 1),
        torch.tensor([0.5, 0.0]).view(1, 2, 1, 1),
    ]
    logits = weigh_cosines(cosines, torch.tensor([2.0, 4.0]))
    assert logits.flatten().tolist() == [0.5, 3.5]
