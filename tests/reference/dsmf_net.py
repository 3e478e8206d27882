"""DSMF-Net's parts position by position and node by node, in float64 (docs/methods/dsmf_net.md)."""

from __future__ import annotations

import numpy as np


def glore(unit, columns):
    """(C, L) from a unit with static adjacency and (C, L); group norm written out."""
    columns = columns.astype(np.float64)
    length = columns.shape[1]
    states = _linear(unit.state, columns)
    assignment = _linear(unit.project, columns)
    nodes = np.zeros((len(states), len(assignment)))
    for position in range(length):
        nodes += np.outer(states[:, position], assignment[:, position]) / length
    adjacency = unit.exchange.weight[:, :, 0].double().numpy()
    offset = unit.exchange.bias.double().numpy()
    heard = np.zeros_like(nodes)
    for node in range(nodes.shape[1]):
        for other in range(nodes.shape[1]):
            heard[:, node] += adjacency[node, other] * nodes[:, other]
        heard[:, node] += offset[node]
    reasoned = _linear(unit.update, np.maximum(nodes + heard, 0))
    back = np.zeros((len(reasoned), length))
    for position in range(length):
        for node in range(nodes.shape[1]):
            back[:, position] += reasoned[:, node] * assignment[node, position]
    return columns + _group_norm(unit.norm, _linear(unit.extend, back))


def graph_probability(query, support, share, smoothing=5e-4):
    """(N,) from query (C, N), support (C, M) and the share (M,) of foreground, one prototype."""
    prototype = np.zeros(len(query))
    for position, weight in enumerate(share):
        prototype += weight * support[:, position]
    prototype /= share.sum() + smoothing
    cosines = np.zeros(query.shape[1])
    for position in range(query.shape[1]):
        vector = query[:, position]
        length = np.linalg.norm(vector) * np.linalg.norm(prototype)
        cosines[position] = vector @ prototype / (length + 1e-7)
    return (cosines - cosines.min()) / (cosines.max() - cosines.min() + 1e-7)


def joined(weight, maps, vector, others):
    """(width, h, w): the vector tiled, everything joined, one product at each position."""
    height, width = maps.shape[1:]
    result = np.zeros((len(weight), height, width))
    for row in range(height):
        for column in range(width):
            channels = np.concatenate([maps[:, row, column], vector, others[:, row, column]])
            result[:, row, column] = weight @ channels
    return result


def _linear(layer, columns):
    product = layer.weight[:, :, 0].double().numpy() @ columns
    return product if layer.bias is None else product + layer.bias.double().numpy()[:, None]


def _group_norm(norm, columns):
    result = np.zeros_like(columns)
    size = len(columns) // norm.num_groups
    for first in range(0, len(columns), size):
        group = columns[first : first + size]
        result[first : first + size] = (group - group.mean()) / np.sqrt(group.var() + norm.eps)
    return result * norm.weight.double().numpy()[:, None] + norm.bias.double().numpy()[:, None]
