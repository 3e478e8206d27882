"""A segmenter that computes by hand what a network would."""

from __future__ import annotations

import torch
import torch.nn.functional as F


class BandSegmenter:
    """Class k is as probable as band k is bright, averaged over each cell."""

    window_multiple = 8
    make_regions = None
    layer_names = ()
    colours = None

    def __init__(self, classes=("red", "green"), window=32, stride=4, halo=0, threshold=0.5):
        self.class_names = tuple(classes)
        self.window, self.stride, self.halo = window, stride, halo
        self.threshold = threshold
        self.batches = []

    def __call__(self, windows, regions=None):
        assert windows.dtype == torch.float32
        assert windows.shape[1:] == (3, self.window, self.window)
        self.batches.append(len(windows))
        return F.avg_pool2d(windows[:, : len(self.class_names)], self.stride)


class EdgeSegmenter(BandSegmenter):
    """Answers differ with the place inside the window, as those of networks do."""

    def __call__(self, windows, regions=None):
        ramp = torch.linspace(0, 1, self.window // self.stride)
        return super().__call__(windows, regions) * (0.5 + ramp[:, None] * ramp / 2)
