"""Losses, one idea a file."""

from fewscape.losses.cross_entropy import share_cross_entropy
from fewscape.losses.dice import share_dice

__all__ = ["share_cross_entropy", "share_dice"]
