"""Softmax-GradCAM one image and class at a time, back through the whole tower.

See docs/methods/icpd_net.md#softmax-gradcam.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F


def naive_grad_cam(clip, image, texts, target):
    """(h, w) of one image (1, 3, H, W) and the class with this number."""
    kept = {}

    def keep(layer, inputs, output):
        kept["activation"] = output
        output.retain_grad()

    handle = clip.last_norm.register_forward_hook(keep)
    try:
        pixels = clip.prepare(image).requires_grad_()
        embedding = F.normalize(clip.embed(pixels), dim=1)
        cosines = embedding @ F.normalize(texts, dim=1).T
        (100 * cosines).softmax(dim=1)[0, target].backward()
    finally:
        handle.remove()
    activation, gradient = kept["activation"][0, 1:], kept["activation"].grad[0, 1:]
    cam = torch.zeros(len(activation))
    weights = gradient.mean(dim=0)
    for cell, vector in enumerate(activation.detach()):
        cam[cell] = max(0.0, float((weights * vector).sum()))
    side = int(len(cam) ** 0.5)
    return ((cam - cam.min()) / (cam.max() - cam.min() + 1e-8)).view(side, side)
