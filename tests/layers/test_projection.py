import torch
import torch.nn.functional as F

from fewscape.layers import PyramidProjection


def pyramid():
    return [
        torch.randn(2, channels, 32 // scale, 32 // scale)
        for channels, scale in ((5, 1), (7, 2), (9, 4))
    ]


def test_each_level_keeps_its_own_vectors_beside_the_learnt_ones():
    layer = PyramidProjection((5, 7, 9), width=4)
    maps = pyramid()
    for joined, own in zip(layer(maps), maps, strict=True):
        channels = own.shape[1]
        assert joined.shape == (2, channels + 4, *own.shape[2:])
        assert torch.allclose(joined[:, :channels], F.normalize(own, dim=1))
        assert torch.allclose(joined.norm(dim=1), torch.tensor(2.0).sqrt(), atol=1e-5)


def test_a_cosine_is_the_mean_of_both_halves():
    layer = PyramidProjection((5, 7, 9), width=4)
    joined = layer(pyramid())[0]
    first, second = joined[0, :, 3, 4], joined[1, :, 20, 7]
    own = torch.cosine_similarity(first[:5], second[:5], dim=0)
    learnt = torch.cosine_similarity(first[5:], second[5:], dim=0)
    whole = torch.cosine_similarity(first, second, dim=0)
    assert torch.allclose(whole, (own + learnt) / 2, atol=1e-5)


def test_coarse_levels_reach_the_finest_one():
    layer = PyramidProjection((5, 7, 9), width=4)
    maps = [level.requires_grad_() for level in pyramid()]
    (layer(maps)[0][:, 5:] * torch.randn(2, 4, 32, 32)).sum().backward()
    assert all(level.grad.abs().sum() > 0 for level in maps)
