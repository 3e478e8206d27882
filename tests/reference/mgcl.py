"""The published MGCL, literally: docs/methods/mgcl.md, under the published names.

Binary planes, loops over masks, one-hot stacks, two correlation products, six-axis permutes and
every inert parameter. Slow on purpose; the fast network is compared with it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet50

PLANES = 128
SIZE = 256


def label_map(planes):
    """(B, 128, H, W) binary planes to (B, H, W): the last plane that covers a pixel, else 128."""
    labels = torch.full_like(planes[:, 0], PLANES, dtype=torch.long)
    for index in range(planes.shape[1]):
        labels[planes[:, index] == 1] = index
    return labels


def one_hot_planes(planes, side):
    """(B, 128, side, side) float planes that do not overlap."""
    stacked = F.one_hot(label_map(planes), PLANES + 1)[..., :PLANES].permute(0, 3, 1, 2).float()
    return F.interpolate(stacked, (side, side), mode="nearest")


def enhanced_copy(features, planes):
    """MGFE: the mean of the segment at each position, zero on bare pixels."""
    _, channels, height, width = features.shape
    flat = one_hot_planes(planes, height).flatten(2)  # (B, m, HW)
    rows = features.flatten(2).transpose(1, 2)  # (B, HW, C)
    means = torch.bmm(flat, rows) / (flat.sum(2)[..., None] + 1e-8)  # (B, m, C)
    painted = torch.bmm(flat.transpose(1, 2), means) / (flat.sum(1)[..., None] + 1e-8)
    return painted.transpose(1, 2).reshape(-1, channels, height, width)


def correlation(query, support, mask):
    """FBC, one plane: clamped cosine with the masked support, (B, Hq, Wq, Hs, Ws)."""
    weight = F.interpolate(mask[:, None], support.shape[-2:], mode="bilinear", align_corners=True)
    rows = [part.flatten(2) for part in (query, support * weight)]
    rows = [part / (part.norm(dim=1, keepdim=True) + 1e-5) for part in rows]
    cosines = torch.bmm(rows[0].transpose(1, 2), rows[1]).clamp(min=0)
    return cosines.view(query.shape[0], *query.shape[-2:], *support.shape[-2:])


class CenterPivot(nn.Module):
    """Two 2D convolutions with bias, summed."""

    def __init__(self, before, after, kernel, stride):
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(before, after, kernel, 1, kernel // 2)
        self.conv2 = nn.Conv2d(before, after, kernel, stride, kernel // 2)

    def forward(self, x):  # (B, C, Hq, Wq, Hs, Ws)
        batch, channels, hq, wq, hs, ws = x.shape
        thin = x[..., :: self.stride, :: self.stride]
        h2, w2 = thin.shape[-2:]
        first = self.conv1(thin.permute(0, 4, 5, 1, 2, 3).reshape(-1, channels, hq, wq))
        first = first.view(batch, h2, w2, -1, hq, wq).permute(0, 3, 4, 5, 1, 2)
        second = self.conv2(x.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels, hs, ws))
        second = second.view(batch, hq, wq, -1, h2, w2).permute(0, 3, 1, 2, 4, 5)
        return first + second


def block(before, channels, kernels, strides):
    parts = []
    for after, kernel, stride in zip(channels, kernels, strides, strict=True):
        parts += [CenterPivot(before, after, kernel, stride), nn.GroupNorm(4, after), nn.ReLU()]
        before = after
    return nn.Sequential(*parts)


class Decoder(nn.Module):
    """MGCD."""

    def __init__(self):
        super().__init__()
        widths = (16, 32, 64)
        self.encoder_layer4 = block(2, widths, (3, 3, 3), (2, 2, 2))
        self.encoder_layer3 = block(2, widths, (5, 3, 3), (4, 2, 2))
        self.encoder_layer2 = block(2, widths, (5, 5, 3), (4, 4, 2))
        self.encoder_layer4to3 = block(64, (64, 64, 64), (3, 3, 3), (1, 1, 1))
        self.encoder_layer3to2 = block(64, (64, 64, 64), (3, 3, 3), (1, 1, 1))
        self.decoder1 = nn.Sequential(
            nn.Conv2d(128, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 32, 3, padding=1), nn.ReLU()
        )
        self.decoder2 = nn.Sequential(
            nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 3, padding=1)
        )

    @staticmethod
    def enlarge_query(x, size):
        batch, channels, hq, wq, hs, ws = x.shape
        planes = x.permute(0, 4, 5, 1, 2, 3).reshape(-1, channels, hq, wq)
        planes = F.interpolate(planes, size, mode="bilinear", align_corners=True)
        return planes.view(batch, hs, ws, channels, *size).permute(0, 3, 4, 5, 1, 2)

    def forward(self, at8, at16, at32, query_planes):
        x = self.encoder_layer4(at32)
        x = self.enlarge_query(x, at16.shape[2:4]) + self.encoder_layer3(at16)
        x = self.encoder_layer4to3(x)
        x = self.enlarge_query(x, at8.shape[2:4]) + self.encoder_layer2(at8)
        x = self.encoder_layer3to2(x).mean(dim=(4, 5))
        x = self.decoder1(torch.cat([x, enhanced_copy(x, query_planes)], dim=1))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.decoder2(x)


class LiteralMGCL(nn.Module):
    """Normalised images and binary planes in, logits (B, 2, 256, 256) out."""

    def __init__(self):
        super().__init__()
        self.backbone = resnet50(weights=None)
        self.segmentation_head = nn.Module()
        self.segmentation_head.mgcd = Decoder()

    def pyramid(self, images):
        net = self.backbone
        x = net.layer1(net.maxpool(net.relu(net.bn1(net.conv1(images)))))
        maps = []
        for stage in (net.layer2, net.layer3, net.layer4):
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, query_images, support_images, support_masks, query_planes, support_planes):
        tensors = []
        for query, support in zip(
            self.pyramid(query_images), self.pyramid(support_images), strict=True
        ):
            query = torch.cat([query, enhanced_copy(query, query_planes)], dim=1)
            support = torch.cat([support, enhanced_copy(support, support_planes)], dim=1)
            both = [
                correlation(query, support, mask) for mask in (support_masks, 1 - support_masks)
            ]
            tensors.append(torch.stack(both, dim=1))
        logits = self.segmentation_head.mgcd(*tensors, query_planes)
        return F.interpolate(logits, (SIZE, SIZE), mode="bilinear", align_corners=True)


def predict_shots(network, query, supports, masks, query_planes, support_planes):
    """Section 1.7: (B, 3, H, W), (B, K, 3, H, W), (B, K, H, W) to decisions (B, H, W)."""
    votes = 0
    for shot in range(supports.shape[1]):
        logits = network(
            query, supports[:, shot], masks[:, shot], query_planes, support_planes[:, shot]
        )
        votes = votes + logits.argmax(dim=1)
    if supports.shape[1] == 1:
        return votes
    most = votes.amax(dim=(1, 2), keepdim=True).clamp(min=1)
    return (votes.float() / most >= 0.4).long()


def randomise_batch_norm(network, seed):
    """Usable statistics for random weights: one training pass of random images, momentum 1."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.1, generator=generator)
    network.backbone.train()
    with torch.no_grad():
        network.pyramid(torch.randn(4, 3, 96, 96, generator=generator))
    network.backbone.eval()
