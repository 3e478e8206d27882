"""Intersection over union by sets of pixels, and its bootstrap by loops."""

import numpy as np


def overlap(prediction, mask, value):
    predicted, wanted = set(), set()
    for place, truth in np.ndenumerate(mask):
        if truth == 255:
            continue
        if prediction[place] == value:
            predicted.add(place)
        if truth == value:
            wanted.add(place)
    return len(predicted & wanted), len(predicted | wanted)


def bootstrap(intersection, union, group, num_groups, num_resamples, rng):
    """(num_groups, num_resamples) IoU of every resample."""
    scores = np.zeros((num_groups, num_resamples))
    for number in range(num_groups):
        members = [i for i in range(len(group)) if group[i] == number]
        for resample in range(num_resamples):
            drawn = [members[rng.integers(len(members))] for _ in members]
            total = sum(union[i] for i in drawn)
            scores[number, resample] = sum(intersection[i] for i in drawn) / total
    return scores
