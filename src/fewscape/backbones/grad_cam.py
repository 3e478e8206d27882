"""Softmax-GradCAM of CLIP, for all classes and images at once.

The published code needs a forward and a backward pass through the whole tower for every image and
class. Only the last block is between the activation and the score, and the images of a batch are
independent, so one forward pass and one vectorised backward pass through that block are enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from fewscape.backbones.clip import ClipEncoder
from fewscape.ops import min_max

TEMPERATURE = 100.0
"""Factor of the cosines before the softmax, CLIP's own."""
EPSILON = 1e-8
"""Added to the range of a map; gradients behind a softmax are small."""


def softmax_grad_cam(clip: ClipEncoder, pixels: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """Class activation maps (PI-CLIP; the baseline prior in ICPD-Net).

    The score of a class is its probability among all names, so that the other names suppress it.
    The gradient at the first layer norm of the last block, averaged over the patches, weights the
    channels of that norm's output; negative sums are clipped and each map is rescaled to [0, 1].

    Args:
        clip: frozen towers.
        pixels: (B, 3, side, side), see ``ClipEncoder.prepare``.
        texts: (n, width) vectors of the names.

    Returns:
        (B, n, h, w) float32, without gradient.
    """
    with torch.inference_mode(False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        with _tap(clip.last_norm) as kept:
            embedded = F.normalize(clip.embed(pixels.clone()).float(), dim=1)
        prompts = F.normalize(texts.float().clone(), dim=1)
        scores = (TEMPERATURE * embedded @ prompts.T).softmax(dim=1)  # (B, n)
        (gradients,) = torch.autograd.grad(
            scores.sum(dim=0), kept[0], torch.eye(len(prompts)).to(scores), is_grads_batched=True
        )  # (n, B, 1 + N, C)
    weights = gradients[:, :, 1:].float().mean(dim=2)  # (n, B, C)
    activation = kept[0].detach()[:, 1:].float()
    maps = torch.einsum("kbc,bnc->bkn", weights, activation).relu()
    side = round(maps.shape[2] ** 0.5)
    return min_max(maps.flatten(0, 1), EPSILON).view(*maps.shape[:2], side, side)


@contextmanager
def _tap(layer: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Make the layer's output the root of the gradient graph."""
    kept: list[torch.Tensor] = []

    def cut(layer: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        del layer, inputs
        kept.append(output.detach().requires_grad_())
        return kept[0]

    handle = layer.register_forward_hook(cut)
    try:
        yield kept
    finally:
        handle.remove()
