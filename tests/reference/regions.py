"""Overlapping masks flattened one pixel at a time (docs/methods/mgcl.md#regions)."""

import numpy as np


def flatten(masks, size, max_masks):
    largest_first = sorted(masks, key=lambda mask: -sum(map(sum, mask.tolist())))[:max_masks]
    ranks = np.full(size, -1, np.int32)
    for row in range(size[0]):
        for col in range(size[1]):
            covering = [i for i, mask in enumerate(largest_first) if mask[row, col]]
            ranks[row, col] = max(covering, default=-1)
    return ranks


def number_by_area(ids):
    members = {}
    for place, value in np.ndenumerate(ids):
        if value >= 0:
            members.setdefault(value, []).append(place)
    numbered = np.full(ids.shape, -1, np.int32)
    ordered = sorted(members.values(), key=lambda places: (-len(places), places[0]))
    for number, places in enumerate(ordered):
        for place in places:
            numbered[place] = number
    return numbered
