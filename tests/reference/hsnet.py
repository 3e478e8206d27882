"""The published HSNet, literally: docs/methods/hsnet.md, published names.

One product and one plane for every bottleneck, six-axis tensors, every inert parameter.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet50, vgg16

from tests.reference import mgcl
from tests.reference.mgcl import block, correlation

VGG_TAPS = {8: (17, 19, 21), 16: (24, 26, 28), 32: (30,)}


class HyperDecoder(nn.Module):
    """Squeeze, mix, decode."""

    def __init__(self, planes):
        super().__init__()
        at8, at16, at32 = planes
        widths = (16, 64, 128)
        self.encoder_layer4 = block(at32, widths, (3, 3, 3), (2, 2, 2))
        self.encoder_layer3 = block(at16, widths, (5, 3, 3), (4, 2, 2))
        self.encoder_layer2 = block(at8, widths, (5, 5, 3), (4, 4, 2))
        self.encoder_layer4to3 = block(128, (128, 128, 128), (3, 3, 3), (1, 1, 1))
        self.encoder_layer3to2 = block(128, (128, 128, 128), (3, 3, 3), (1, 1, 1))
        self.decoder1 = nn.Sequential(
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.ReLU(),
        )
        self.decoder2 = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 2, 3, padding=1)
        )

    def forward(self, at8, at16, at32):
        x = self.encoder_layer4(at32)
        x = mgcl.Decoder.enlarge_query(x, at16.shape[2:4]) + self.encoder_layer3(at16)
        x = self.encoder_layer4to3(x)
        x = mgcl.Decoder.enlarge_query(x, at8.shape[2:4]) + self.encoder_layer2(at8)
        x = self.encoder_layer3to2(x).mean(dim=(4, 5))
        x = F.interpolate(self.decoder1(x), scale_factor=2, mode="bilinear", align_corners=True)
        return self.decoder2(x)


class LiteralHSNet(nn.Module):
    """Normalised images and a mask in, logits (B, 2, H, W) out."""

    def __init__(self, name="resnet50"):
        super().__init__()
        self.is_vgg = name == "vgg16"
        self.backbone = (vgg16 if self.is_vgg else resnet50)(weights=None)
        self.hpn_learner = HyperDecoder((3, 3, 1) if self.is_vgg else (4, 6, 3))

    def pyramid(self, images):
        """{stride: maps of all blocks before their last ReLU}."""
        return self._vgg(images) if self.is_vgg else self._resnet(images)

    def _vgg(self, images):
        maps = {stride: [] for stride in VGG_TAPS}
        x = images
        for index, layer in enumerate(self.backbone.features):
            x = layer(x)
            for stride, taps in VGG_TAPS.items():
                if index in taps:
                    maps[stride].append(x.clone())
        return maps

    def _resnet(self, images):
        net = self.backbone
        x = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(images)))))
        maps = {}
        for stride, stage in ((8, net.layer2), (16, net.layer3), (32, net.layer4)):
            maps[stride] = []
            for bottleneck in stage:
                branch = torch.relu(bottleneck.bn1(bottleneck.conv1(x)))
                branch = torch.relu(bottleneck.bn2(bottleneck.conv2(branch)))
                branch = bottleneck.bn3(bottleneck.conv3(branch))
                if bottleneck.downsample is not None:
                    x = bottleneck.downsample(x)
                maps[stride].append(branch + x)
                x = torch.relu(branch + x)
        return maps

    def forward(self, query_images, support_images, support_masks):
        query, support = self.pyramid(query_images), self.pyramid(support_images)
        tensors = [
            torch.stack(
                [
                    correlation(a, b, support_masks)
                    for a, b in zip(query[stride], support[stride], strict=True)
                ],
                dim=1,
            )
            for stride in (8, 16, 32)
        ]
        logits = self.hpn_learner(*tensors)
        size = query_images.shape[-2:]
        return F.interpolate(logits, size, mode="bilinear", align_corners=True)


def predict_shots(network, query, supports, masks):
    """(B, 3, H, W), (B, K, 3, H, W), (B, K, H, W) to decisions (B, H, W)."""
    votes = 0
    for shot in range(supports.shape[1]):
        votes = votes + network(query, supports[:, shot], masks[:, shot]).argmax(dim=1)
    if supports.shape[1] == 1:
        return votes
    most = votes.amax(dim=(1, 2), keepdim=True).clamp(min=1)
    return (votes.float() / most >= 0.5).long()
