"""Layers with parameters that networks share."""

from fewscape.layers.center_pivot import CenterPivotBlock, CenterPivotConv4d
from fewscape.layers.convolution import ConvStack, NormStack
from fewscape.layers.glore import Adjacency, GloRe
from fewscape.layers.head import SegmentationHead
from fewscape.layers.hypercorrelation import HypercorrelationTrunk
from fewscape.layers.joined import JoinedConv
from fewscape.layers.projection import PyramidProjection
from fewscape.layers.reduction import PyramidReduction

__all__ = [
    "Adjacency",
    "CenterPivotBlock",
    "CenterPivotConv4d",
    "ConvStack",
    "GloRe",
    "HypercorrelationTrunk",
    "JoinedConv",
    "NormStack",
    "PyramidProjection",
    "PyramidReduction",
    "SegmentationHead",
]
