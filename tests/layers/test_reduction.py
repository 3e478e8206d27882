import pytest
import torch
import torch.nn.functional as F

from fewscape.layers import PyramidReduction


@pytest.mark.parametrize("align_corners", [False, True])
def test_it_is_the_convolution_of_the_joined_levels(align_corners):
    layer = PyramidReduction((3, 5), 4, align_corners=align_corners).double().eval()
    fine, coarse = torch.randn(2, 3, 8, 6).double(), torch.randn(2, 5, 4, 3).double()
    enlarged = F.interpolate(coarse, (8, 6), mode="bilinear", align_corners=align_corners)
    weight = torch.cat([level.weight for level in layer.levels], dim=1)
    expected = F.conv2d(torch.cat([fine, enlarged], dim=1), weight).relu()
    assert torch.allclose(layer([fine, coarse]), expected, atol=1e-12)


def test_dropout_empties_whole_channels():
    torch.manual_seed(0)
    layer = PyramidReduction((3,), 64, dropout=0.5)
    torch.nn.init.constant_(layer.levels[0].weight, 1.0)
    filled = layer.train()([torch.ones(1, 3, 4, 4)])[0].flatten(1) > 0
    assert torch.equal(filled.any(dim=1), filled.all(dim=1))
    assert 16 < int(filled.all(dim=1).sum()) < 48
