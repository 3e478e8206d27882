"""The class-agnostic prompt stack: similarity of an image to every class name, target first."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.models.icpd_net.config import EvenOver

TEMPERATURE = 100.0
"""Factor of the similarities before the softmax of the statistics, CLIP's own."""
NUM_LARGEST = 5
"""Number of individual background similarities in the statistics."""
NUM_STATISTICS = 6 + NUM_LARGEST


def compare_texts(
    tokens: torch.Tensor, texts: torch.Tensor, even_over: EvenOver, unit_texts: bool
) -> torch.Tensor:
    """Cosine of every token with every text after channel-wise scaling of both.

    Scaling each channel of the texts over the classes removes what all names share, which would
    otherwise make all cosines nearly equal. The order of the classes does not matter. Computed in
    float32.

    Args:
        tokens: (B, C, h, w) tokens of the image tower.
        texts: (K, C).
        even_over: axis over which the tokens' channels are scaled, see ``ICPDVariant``.
        unit_texts: normalise the texts to length one first.

    Returns:
        (B, K, h, w) in [-1, 1].
    """
    texts = texts.float()
    texts = F.normalize(texts, dim=1) if unit_texts else texts
    even_texts = F.normalize(texts, dim=0)
    tokens = tokens.float()
    if even_over == "rows":
        even_tokens = F.normalize(tokens, dim=2)
    else:
        even_tokens = F.normalize(tokens.flatten(2), dim=2).view(tokens.shape)
    return torch.einsum(
        "bchw,kc->bkhw",
        F.normalize(even_tokens, dim=1, eps=1e-8),
        F.normalize(even_texts, dim=1, eps=1e-8),
    )


def order_classes(target: torch.Tensor, num_classes: int, shuffle: bool) -> torch.Tensor:
    """The target, then all others, ascending or shuffled per sample.

    Args:
        target: (B, 1) int64.
        num_classes: K.
        shuffle: whether the order of the others is random.

    Returns:
        (B, K) int64.

    Examples:
        >>> order_classes(torch.tensor([[2]]), 4, shuffle=False).tolist()
        [[2, 0, 1, 3]]
    """
    shape = (target.shape[0], num_classes)
    if shuffle:
        keys = torch.rand(shape, device=target.device)
    else:
        keys = torch.arange(num_classes, device=target.device).float().expand(shape)
    return keys.scatter(1, target, -1.0).argsort(dim=1)


def stack_prompts(similarity: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Reorder the channels of similarities (B, K, h, w) by an order (B or 1, K), maybe partial."""
    order = order.expand(similarity.shape[0], -1)[:, :, None, None]
    return similarity.gather(1, order.expand(-1, -1, *similarity.shape[2:]))


def summarise_prompts(stack: torch.Tensor) -> torch.Tensor:
    """Statistics that do not depend on the order and number of the other classes.

    Args:
        stack: (B, K, h, w), the target first.

    Returns:
        (B, 11, h, w): the target, maximum, mean and deviation of the others, the target minus
        their maximum, its probability, and the five largest others; with fewer others, the smallest
        is repeated.
    """
    target, others = stack[:, :1], stack[:, 1:]
    largest = others.topk(min(NUM_LARGEST, others.shape[1]), dim=1).values
    absent = NUM_LARGEST - largest.shape[1]
    largest = torch.cat([largest, largest[:, -1:].expand(-1, absent, -1, -1)], dim=1)
    deviation = others.std(dim=1, correction=0, keepdim=True)
    probability = (TEMPERATURE * stack).softmax(dim=1)[:, :1]
    parts = [target, largest[:, :1], others.mean(dim=1, keepdim=True), deviation]
    return torch.cat([*parts, target - largest[:, :1], probability, largest], dim=1)


def guess_target(similarity: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Guess the class name that separates a support's foreground from its background best.

    The score of a name is the mean similarity inside the mask minus that outside, divided by its
    deviation over the image; the largest wins. Without foreground the choice is meaningless.

    Args:
        similarity: (B, K, h, w).
        shares: (B, h, w) share of foreground.

    Returns:
        (B, 1) int64.
    """
    rows, inside = similarity.float().flatten(2), shares.flatten(1)[:, None].float()
    means = [
        (rows * side).sum(dim=2) / side.sum(dim=2).clamp(min=1e-6) for side in (inside, 1 - inside)
    ]
    gap = (means[0] - means[1]) / rows.std(dim=2, correction=0).clamp(min=1e-6)
    return gap.argmax(dim=1, keepdim=True)
