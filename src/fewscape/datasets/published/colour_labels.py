"""Decode colour-coded labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE

Colour = tuple[int, int, int]


def decode_colours(
    picture: npt.NDArray[np.uint8], palette: Mapping[Colour, int]
) -> tuple[npt.NDArray[np.uint8], int]:
    """Decode colours to ids, and count pixels with unlisted colours.

    Unlisted pixels get 255; the published scripts behind BiCoR-Seg make them class 0.

    Args:
        picture: (H, W, 3).
        palette: id of each colour.

    Returns:
        (H, W) ids, and the number of pixels with unlisted colours.

    Examples:
        >>> picture = np.array([[[255, 0, 0], [254, 0, 0]]], np.uint8)
        >>> ids, unlisted = decode_colours(picture, {(255, 0, 0): 5})
        >>> ids.tolist(), unlisted
        ([[5, 255]], 1)
    """
    codes = _encode(picture)
    known = sorted(
        (int(_encode(np.array(colour, np.uint8))), own) for colour, own in palette.items()
    )
    keys = np.array([code for code, _ in known])
    values = np.array([own for _, own in known], np.uint8)
    places = np.searchsorted(keys, codes).clip(max=len(keys) - 1)
    is_listed = keys[places] == codes
    ids = np.where(is_listed, values[places], np.uint8(IGNORE))
    return ids, int(ids.size - np.count_nonzero(is_listed))


def _encode(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    wide = colours.astype(np.int32)
    code: npt.NDArray[np.int32] = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return code
