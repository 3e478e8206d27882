"""Windows of other sizes than the 256 pixels that the squeeze blocks were made for."""

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.models import MGCL


@pytest.mark.parametrize("side", [128, 512])
def test_every_level_is_squeezed_to_one_support_position(side):
    model = MGCL(BackboneConfig("test_resnet")).eval()
    seen = []
    for block in (model.decoder.squeeze8, model.decoder.squeeze16, model.decoder.squeeze32):
        block.register_forward_hook(lambda _block, _inputs, pairs: seen.append(pairs.shape[3:5]))
    images = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        features = model.encode(images)
        support = model.learn(features, torch.ones(1, side, side, dtype=torch.uint8))
        model.predict(features, [support])
    assert seen == [(1, 1)] * 3
