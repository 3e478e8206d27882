"""BiCoR-Seg's layer and losses by the literal formulas, with every tensor materialised."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def wave(number, shape):
    """Test tensors: sin(0.7 i + 1.1 j + 0.3), row-major, float64."""
    count = int(torch.tensor(shape).prod())
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + 1.1 * number + 0.3).view(
        shape
    )


def fill(named, first):
    """Fill parameters in order by the specification's rule; ``named`` has (name, tensor) pairs."""
    for number, (name, tensor) in enumerate(named, start=first):
        if name.endswith(("layer_scale", "gamma")):
            value = 0.1 + 0.01 * wave(number, tensor.shape)
        elif tensor.dim() > 1:
            value = wave(number, tensor.shape) / tensor[0].numel() ** 0.5
        elif name.endswith("weight"):  # of a norm
            value = 1 + 0.1 * wave(number, tensor.shape)
        else:
            value = 0.1 * wave(number, tensor.shape)
        tensor.data.copy_(value)


def refine(layer, classes, features):
    """One HBIS layer: classes (B, N, C), features (B, C, h, w); the (B, N, C, h, w) mixture too."""
    batch, num_classes, width = classes.shape
    height, columns = features.shape[2:]
    even_classes = layer.norm_classes(classes)
    even = layer.norm_features(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    queries = layer.to_features(even_classes)
    heat = torch.einsum("bnc,bchw->bnhw", queries, even) / width**0.5
    confidence = heat.sigmoid().flatten(2).detach()
    kept = min(height * columns, max(layer.min_pixels, round(layer.topk_ratio * height * columns)))
    weights = torch.zeros_like(confidence)
    for sample in range(batch):
        for number in range(num_classes):
            where = confidence[sample, number].argsort(descending=True)[:kept]
            weights[sample, number, where] = confidence[sample, number, where]
    weights = weights / (weights.sum(dim=2, keepdim=True) + 1e-6)
    projected = torch.einsum("dc,bchw->bdhw", layer.to_classes.weight, even).flatten(2)
    context = torch.einsum("bns,bds->bnd", weights, projected)
    gate = layer.gate(torch.cat([even_classes, context], dim=2))
    new = gate * layer.candidate(context) + (1 - gate) * classes
    scale = (1 + torch.tanh(layer.scale(new)))[:, :, :, None, None]
    shift = layer.shift(new)[:, :, :, None, None]
    mixture = heat.softmax(dim=1)[:, :, None]
    modulated = (mixture * (scale * features[:, None] + shift)).sum(dim=1)
    return new, 0.5 * features + 0.5 * modulated, heat


def fuse_pyramid(pyramid, maps):
    """Projected, enlarged, joined coarsest first, mixed."""
    size = maps[0].shape[2:]
    levels = []
    for grid, projection in zip(maps, pyramid.projections, strict=True):
        projected = projection(grid.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        levels.append(F.interpolate(projected, size, mode="bilinear", align_corners=False))
    return pyramid.mix(torch.cat(levels[::-1], dim=1))


def soft_cross_entropy(logits, labels, smoothing=0.05):
    """As published: unknown pixels count in the mean."""
    log_shares = logits.log_softmax(dim=1)
    known = labels != 255
    chosen = torch.zeros_like(labels, dtype=logits.dtype)
    spread = torch.zeros_like(chosen)
    for index in known.nonzero().tolist():
        sample, row, column = index
        pixel = log_shares[sample, :, row, column]
        chosen[sample, row, column] = -pixel[labels[sample, row, column]]
        spread[sample, row, column] = -pixel.sum()
    return (1 - smoothing) * chosen.mean() + smoothing / logits.shape[1] * spread.mean()


def dice(logits, labels):
    """As published: absent classes count as zero in the mean."""
    shares = logits.softmax(dim=1)
    known = labels != 255
    losses = []
    for number in range(logits.shape[1]):
        truth = ((labels == number) & known).to(logits.dtype)
        own = shares[:, number] * known
        if truth.sum() == 0:
            losses.append(torch.zeros((), dtype=logits.dtype))
            continue
        fraction = (2 * (own * truth).sum() + 0.05) / (own.sum() + truth.sum() + 0.05)
        losses.append(1 - fraction)
    return torch.stack(losses).mean()


def fisher(embeddings):
    """Loops over samples and pairs of classes."""
    batch, num_classes, _ = embeddings.shape
    means = embeddings.mean(dim=0)
    within = sum(
        (embeddings[sample, number] - means[number]).square().sum()
        for sample in range(batch)
        for number in range(num_classes)
    ) / (batch * num_classes)
    pairs = [
        (means[first] - means[second]).square().sum()
        for first in range(num_classes)
        for second in range(first + 1, num_classes)
    ]
    return within / (torch.stack(pairs).mean().clamp(min=1e-4) + 1e-6)
