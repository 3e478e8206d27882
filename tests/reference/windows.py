"""Counts of every window, one window at a time."""

import numpy as np


def count_windows(codes, num_codes, rows, cols, size):
    counts = np.zeros((len(rows), len(cols), num_codes), np.int64)
    for i, row in enumerate(rows):
        for j, col in enumerate(cols):
            window = codes[row : row + size[0], col : col + size[1]]
            for code in range(num_codes):
                counts[i, j, code] = (window == code).sum()
    return counts
