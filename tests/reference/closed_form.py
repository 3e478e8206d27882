"""Closed-form classifiers one cell at a time, in float64."""

from __future__ import annotations

import math

import numpy as np


def weighted_covariance(rows, weights):
    """(N, C) and (N,) to mean (C,) and covariance (C, C)."""
    total = sum(weights)
    mean = sum(weight * row for row, weight in zip(rows, weights, strict=True)) / total
    covariance = np.zeros((len(mean), len(mean)))
    for row, weight in zip(rows, weights, strict=True):
        covariance += weight * np.outer(row - mean, row - mean)
    return mean, covariance / total


def shrunk_within(rows, foreground, background, shrinkage):
    """Mean covariance of both classes, moved towards a sphere of the same trace."""
    first, second = (weighted_covariance(rows, side)[1] for side in (foreground, background))
    within = (first + second) / 2
    sphere = np.trace(within) / len(within) * np.eye(len(within))
    return (1 - shrinkage) * within + shrinkage * sphere


def normal_log_ratio(rows, foreground, background, shrinkage, queries):
    """Log ratio of two normal densities with the shrunk covariance, query by query."""
    inverse = np.linalg.inv(shrunk_within(rows, foreground, background, shrinkage))
    means = [weighted_covariance(rows, side)[0] for side in (foreground, background)]
    ratios = []
    for query in queries:
        first, second = (-0.5 * (query - mean) @ inverse @ (query - mean) for mean in means)
        ratios.append(first - second)
    return np.array(ratios)


def whiten(rows, within):
    """Vectors times the symmetric inverse root of the covariance, scaled to length one."""
    values, vectors = np.linalg.eigh(within)
    white = rows @ (vectors / np.sqrt(values)) @ vectors.T
    return white / np.linalg.norm(white, axis=1, keepdims=True)


def kernel_log_ratio(query, anchors, foreground, background, concentration, left_out=None):
    """Log ratio of two mean kernels at one query, one anchor left out."""
    sums, counts = [0.0, 0.0], [0.0, 0.0]
    for position, anchor in enumerate(anchors):
        if position == left_out:
            continue
        kernel = math.exp(concentration * (query @ anchor - 1))
        for side, weight in enumerate((foreground[position], background[position])):
            sums[side] += weight * kernel
            counts[side] += weight
    return math.log(sums[0] / counts[0]) - math.log(sums[1] / counts[1])


def leave_one_out_loss(anchors, foreground, background, concentration):
    """Logistic loss of every cell by all others; both classes count alike."""
    losses = [0.0, 0.0]
    for position, anchor in enumerate(anchors):
        ratio = kernel_log_ratio(
            anchor, anchors, foreground, background, concentration, left_out=position
        )
        losses[0] += foreground[position] * math.log1p(math.exp(-ratio))
        losses[1] += background[position] * math.log1p(math.exp(ratio))
    return losses[0] / sum(foreground) + losses[1] / sum(background)


def resize_bilinear(plane, size):
    """(h, w) to (H, W), edges of the outer pixels in place."""
    height, width = plane.shape
    result = np.empty(size)
    for row in range(size[0]):
        for column in range(size[1]):
            y = min(max((row + 0.5) * height / size[0] - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / size[1] - 0.5, 0), width - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
            upper = plane[y0, x0] * (1 - (x - x0)) + plane[y0, x1] * (x - x0)
            lower = plane[y1, x0] * (1 - (x - x0)) + plane[y1, x1] * (x - x0)
            result[row, column] = upper * (1 - (y - y0)) + lower * (y - y0)
    return result
