"""A network small enough to see through."""

import torch
from torch import nn

from fewscape.core import Features, Output, Support
from fewscape.models import FewShotModel, fuse_predictions


class NearColour(FewShotModel):
    """Foreground is what is nearer to the support's mean foreground than background colour."""

    name = "near_colour"
    stride = 1
    window_multiple = 1

    def __init__(self, region_method=None):
        nn.Module.__init__(self)
        self.region_method = region_method
        self.region_options = {}
        self.encoded = []
        self.region_sums = []

    def encode(self, images, regions=None, embed=None):
        assert images.dtype == torch.uint8
        assert not self.training
        self.encoded += [image.numpy().tobytes() for image in images.cpu()]
        if regions is not None:
            self.region_sums += regions.flatten(1).sum(1).tolist()
        maps = images.float() / 255
        return Features((maps,), tuple(images.shape[-2:]), regions, {"mean": maps.mean((2, 3))})

    def enhance(self, raw):
        raise NotImplementedError

    def describe(self):
        return {}

    def learn(self, features, masks):
        colours = {}
        for name, value in (("foreground", 1), ("background", 0)):
            weight = (masks == value).float()[:, None]
            total = (features.maps[0] * weight).sum((2, 3), keepdim=True)
            colours[name] = total / weight.sum((2, 3), keepdim=True).clamp(min=1)
        return Support(colours)

    def predict(self, features, supports):
        return fuse_predictions(self.predict_shot, features, supports, "mean_logit")

    def predict_shot(self, features, support):
        far = [
            (features.maps[0] - support[n]).square().sum(1) for n in ("background", "foreground")
        ]
        return Output(-torch.stack(far, dim=1), features.size)
