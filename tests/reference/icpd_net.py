"""The released ICPD-Net, literally: docs/methods/icpd_net.md, under the released names.

Loops over maps, shots and samples; sigmoid inside the learner; the mask resized for every map.
The image tower is left out: tokens and texts come in. Slow on purpose.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet50

LEVELS = {32: range(4), 16: range(4, 10), 8: range(10, 13)}
"""Maps of ResNet-50 by the side of their grid, for images of 256 pixels."""


def similarity(tokens, texts):
    """Section 4.2: (B, 16, 16, D) and (K, D) to (B, 16, 16, K)."""
    texts = texts / texts.norm(dim=0, keepdim=True).clamp(min=1e-12)
    tokens = tokens / tokens.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return F.cosine_similarity(tokens[:, :, :, None], texts[None, None, None], dim=4, eps=1e-8)


class Learner(nn.Module):
    """Section 4.3: (B, K, 16, 16) to (B, 16, 16) in (0, 1)."""

    def __init__(self, classes):
        super().__init__()
        self.upsample = nn.Sequential(
            nn.ConvTranspose2d(classes, 32, 2, 2),
            nn.InstanceNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 2, 2),
            nn.InstanceNorm2d(16),
            nn.ReLU(),
        )
        self.downsample = nn.Sequential(
            nn.Conv2d(16, 32, 3, padding=1),
            nn.InstanceNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.InstanceNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 1, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, stack):
        return self.downsample(self.upsample(stack))[:, 0]


def block(before, widths):
    parts = []
    for after in widths:
        parts += [nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.ReLU()]
        before = after
    return nn.Sequential(*parts)


class Decoder(nn.Module):
    """Section 7."""

    def __init__(self, at8, at16, at32):
        super().__init__()
        self.encoder_layer4 = block(at32, (16, 64, 128))
        self.encoder_layer3 = block(at16, (16, 64, 128))
        self.encoder_layer2 = block(at8, (16, 64, 128))
        self.encoder_layer4to3 = block(128, (128, 128, 128))
        self.encoder_layer3to2 = block(128, (128, 128, 128))
        self.decoder1 = nn.Sequential(
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 64, 3, padding=1),
            nn.ReLU(),
        )
        self.decoder2 = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 2, 3, padding=1)
        )

    def forward(self, l2, l3, l4):
        x = enlarge(self.encoder_layer4(l4), 16)
        x = self.encoder_layer4to3(x + self.encoder_layer3(l3))
        x = self.encoder_layer3to2(enlarge(x, 32) + self.encoder_layer2(l2))
        x = self.decoder2(enlarge(self.decoder1(x), 64))
        return enlarge(x, 256)


def enlarge(x, side):
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=True)


def stretch(values):
    """Min-max of one map; a constant one is divided by one."""
    spread = values.max() - values.min()
    return (values - values.min()) / (spread if spread > 0 else 1)


def prototypes(maps, weights):
    """Section 5, step 2: (B, C, h, w) and (B, h, w) to (B, C), divided by the count."""
    result = []
    for features, rating in zip(maps, weights, strict=True):
        chosen = rating > 0.7
        total = (features * (rating * chosen)[None]).sum(dim=(1, 2))
        result.append(total / max(int(chosen.sum()), 1))
    return torch.stack(result)


def mix(maps, mask, prototype, alpha):
    """Section 5, step 4, for one shot: (B, C, h, w), (B, 256, 256), (B, C)."""
    if alpha == 0 or not bool((prototype != 0).any()):
        return maps
    small = F.interpolate(mask[:, None], maps.shape[2:], mode="bilinear", align_corners=False)
    mixed = (1 - alpha) * maps + alpha * prototype[:, :, None, None]
    return torch.where(small > 0, mixed, maps)


def cosine_prior(query, support, mask):
    """Section 6.1 for one sample: (C, N), (C, N), (N,)."""
    unit = query / (query.norm(dim=0, keepdim=True) + 1e-5)
    masked = support * mask
    masked = masked / (masked.norm(dim=0, keepdim=True) + 1e-5)
    return (unit.T @ masked).clamp(min=0).sum(dim=1) / (mask.sum() + 1e-5)


def rank_prior(query, support, mask):
    """Section 6.2 for one sample: (C, N), (C, N), (N,)."""
    count = int((mask > 0).sum())
    if count == 0:
        return torch.zeros(query.shape[1])
    distances = torch.cdist(query.T.double(), support.T.double()) ** 2
    nearest = distances.argsort(dim=1)[:, :count]
    relevance = (mask > 0).float()[nearest]
    discount = torch.log2(torch.arange(count) + 2.0)
    return ((2**relevance - 1) / discount).sum(dim=1) / (1 / discount).sum()


def compare(query, support, mask):
    """Section 6: two maps (B, h, w) each."""
    side = query.shape[2]
    small = enlarge(mask[:, None], side)[:, 0].flatten(1)
    pairs = list(zip(query.flatten(2), support.flatten(2), small, strict=True))
    return tuple(
        torch.stack([prior(*pair) for pair in pairs]).view(-1, side, side)
        for prior in (cosine_prior, rank_prior)
    )


class LiteralICPDNet(nn.Module):
    """Normalised images, tokens and texts in; logits (B, 2, 256, 256) out."""

    def __init__(self, classes=15):
        super().__init__()
        self.backbone = resnet50(weights=None)
        self.priorlearner = Learner(classes)
        self.hpn_learner = Decoder(8, 15, 6)
        self.ranks = []

    def pyramid(self, images):
        """Section 3.1: 13 sums before the ReLU."""
        net = self.backbone
        x = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(images)))))
        maps = []
        for stage in (net.layer2, net.layer3, net.layer4):
            for part in stage:
                branch = part.relu(part.bn1(part.conv1(x)))
                branch = part.relu(part.bn2(part.conv2(branch)))
                shortcut = x if part.downsample is None else part.downsample(x)
                maps.append(part.bn3(part.conv3(branch)) + shortcut)
                x = maps[-1].clamp(min=0)
        return maps

    def learn_prior(self, tokens, texts, order):
        cosines = similarity(tokens, texts).permute(0, 3, 1, 2)
        return self.priorlearner(
            torch.stack([each[ids] for each, ids in zip(cosines, order, strict=True)])
        )

    def forward(self, images, shots, masks, tokens, shot_tokens, texts, order, alpha):
        """(B, 3, ...), (B, S, 3, ...), (B, S, ...), (B, 16, 16, D), (B, S, 16, 16, D), (K, D).

        ``ranks`` keeps the rank maps of this call in their order.
        """
        self.ranks = []
        prior = self.learn_prior(tokens, texts, order)
        query = self.pyramid(images)
        ratings = {}
        for side in LEVELS:
            resized = F.interpolate(
                prior[:, None], (side, side), mode="bilinear", align_corners=False
            )[:, 0]
            ratings[side] = torch.stack([stretch(each) for each in resized])
        pyramids = []
        for shot in range(shots.shape[1]):
            support = self.pyramid(shots[:, shot])
            pyramid = {side: [] for side in LEVELS}
            for side, indices in LEVELS.items():
                for index in indices:
                    own = prototypes(query[index], ratings[side])
                    mixed = mix(support[index], masks[:, shot], own, alpha)
                    pyramid[side] += self.keep(compare(query[index], mixed, masks[:, shot]))
            clip_query = tokens.permute(0, 3, 1, 2)
            clip_support = shot_tokens[:, shot].permute(0, 3, 1, 2)
            own = prototypes(clip_query, prior)
            mixed = mix(clip_support, masks[:, shot], own, alpha)
            pyramid[16] += self.keep(compare(clip_query, mixed, masks[:, shot]))
            pyramid[16].append(prior)
            pyramids.append([torch.stack(pyramid[side], dim=1) for side in LEVELS])
        levels = [torch.stack(level).mean(dim=0) for level in zip(*pyramids, strict=True)]
        return self.hpn_learner(*levels)

    def keep(self, pair):
        self.ranks.append(pair[1])
        return list(pair)
