"""The published PFENet, literally: docs/methods/pfenet.md, published names.

Joined maps, tiled prototypes and one bilinear resize after another, all corners-aligned.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet50
from torchvision.models.resnet import Bottleneck

WIDTH = 256


def resize(maps, size):
    return F.interpolate(maps, size, mode="bilinear", align_corners=True)


def conv(before, after, kernel, **options):
    return nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False, **options)


def head():
    return nn.Sequential(
        conv(WIDTH, WIDTH, 3), nn.ReLU(), nn.Dropout2d(0.1), nn.Conv2d(WIDTH, 2, 1)
    )


def dilate(stage, dilation):
    for bottleneck in stage:
        width = bottleneck.conv2.out_channels
        bottleneck.conv2 = nn.Conv2d(
            width, width, 3, stride=1, padding=dilation, dilation=dilation, bias=False
        )
    shortcut = stage[0].downsample[0]
    stage[0].downsample[0] = conv(shortcut.in_channels, shortcut.out_channels, 1)


class LiteralPFENet(nn.Module):
    """Normalised images, masks of the shots and sides of the scales in; logits out."""

    def __init__(self, scales):
        super().__init__()
        self.scales = scales
        self._make_backbone()
        self.down_query = nn.Sequential(conv(1536, WIDTH, 1), nn.ReLU(), nn.Dropout2d(0.5))
        self.down_supp = nn.Sequential(conv(1536, WIDTH, 1), nn.ReLU(), nn.Dropout2d(0.5))
        self.init_merge = nn.ModuleList(
            nn.Sequential(conv(2 * WIDTH + 1, WIDTH, 1), nn.ReLU()) for _ in scales
        )
        self.alpha_conv = nn.ModuleList(
            nn.Sequential(conv(2 * WIDTH, WIDTH, 1), nn.ReLU()) for _ in scales[1:]
        )
        self.beta_conv = nn.ModuleList(
            nn.Sequential(conv(WIDTH, WIDTH, 3), nn.ReLU(), conv(WIDTH, WIDTH, 3), nn.ReLU())
            for _ in scales
        )
        self.inner_cls = nn.ModuleList(head() for _ in scales)
        self.res1 = nn.Sequential(conv(len(scales) * WIDTH, WIDTH, 1), nn.ReLU())
        self.res2 = nn.Sequential(
            conv(WIDTH, WIDTH, 3), nn.ReLU(), conv(WIDTH, WIDTH, 3), nn.ReLU()
        )
        self.cls = head()

    def _make_backbone(self):
        parts = []
        for before, after, stride in ((3, 64, 2), (64, 64, 1), (64, 128, 1)):
            parts += [conv(before, after, 3, stride=stride), nn.BatchNorm2d(after), nn.ReLU()]
        self.layer0 = nn.Sequential(*parts, nn.MaxPool2d(3, stride=2, padding=1))
        network = resnet50(weights=None)
        shortcut = nn.Sequential(conv(128, 256, 1), nn.BatchNorm2d(256))
        network.layer1[0] = Bottleneck(128, 64, downsample=shortcut)
        self.layer1, self.layer2 = network.layer1, network.layer2
        self.layer3, self.layer4 = network.layer3, network.layer4
        dilate(self.layer3, 2)
        dilate(self.layer4, 4)

    def middle(self, images):
        at2 = self.layer2(self.layer1(self.layer0(images)))
        return at2, self.layer3(at2)

    def prior(self, query, support, weight):
        """Section 4, steps 2 to 4, of a masked support: (B, 1, h, w)."""
        batch, channels, height, width = query.shape
        rows = query.view(batch, channels, -1).transpose(1, 2)
        masked = (support * weight).view(batch, channels, -1)
        norms = rows.norm(dim=2)[:, :, None] * masked.norm(dim=1)[:, None]
        best = (torch.bmm(rows, masked) / (norms + 1e-7)).max(dim=2).values
        lowest, highest = best.min(1, keepdim=True).values, best.max(1, keepdim=True).values
        return ((best - lowest) / (highest - lowest + 1e-7)).view(batch, 1, height, width)

    def forward(self, query_images, support_images, support_masks):
        """(B, 3, H, W), (B, K, 3, H, W) and (B, K, H, W) to (B, 2, H, W) and auxiliary logits."""
        at2, at3 = self.middle(query_images)
        deep_query = self.layer4(at3)
        query = self.down_query(torch.cat([at3, at2], 1))
        size = query.shape[-2:]
        prototypes, priors = [], []
        for shot in range(support_images.shape[1]):
            at2, at3 = self.middle(support_images[:, shot])
            weight = resize(support_masks[:, shot : shot + 1], size)
            support = self.down_supp(torch.cat([at3, at2], 1))
            total = (support * weight).sum((2, 3), keepdim=True)
            prototypes.append(total / (weight.sum((2, 3), keepdim=True) + 5e-4))
            priors.append(self.prior(deep_query, self.layer4(at3 * weight), weight))
        return self.decode(
            query, sum(prototypes) / len(priors), sum(priors) / len(priors), query_images.shape[-2:]
        )

    def decode(self, query, prototype, prior, image_size):
        size = query.shape[-2:]
        stored, auxiliary = [], []
        for index, side in enumerate(self.scales):
            merged = torch.cat(
                [
                    F.adaptive_avg_pool2d(query, side),
                    prototype.expand(-1, -1, side, side),
                    resize(prior, (side, side)),
                ],
                dim=1,
            )
            merged = self.init_merge[index](merged)
            if index:
                joined = torch.cat([merged, resize(stored[-1], (side, side))], dim=1)
                merged = merged + self.alpha_conv[index - 1](joined)
            merged = merged + self.beta_conv[index](merged)
            auxiliary.append(resize(self.inner_cls[index](merged), image_size))
            stored.append(resize(merged, size))
        joined = self.res1(torch.cat(stored, dim=1))
        logits = self.cls(joined + self.res2(joined))
        return resize(logits, image_size), auxiliary


def loss(logits, auxiliary, masks):
    """Cross-entropy of the logits, and the mean of those of the scales; 255 is left out."""
    terms = [F.cross_entropy(other, masks, ignore_index=255) for other in (logits, *auxiliary)]
    return terms[0], sum(terms[1:]) / len(auxiliary)


def randomise_batch_norm(network, seed):
    """Usable statistics for random weights: one training pass of random images, momentum 1."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.1, generator=generator)
    network.train()
    with torch.no_grad():
        network.layer4(network.middle(torch.randn(4, 3, 64, 64, generator=generator))[1])
    network.eval()
