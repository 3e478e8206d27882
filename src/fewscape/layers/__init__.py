"""Parts with parameters that networks are built from."""

from fewscape.layers.center_pivot import CenterPivotBlock, CenterPivotConv4d
from fewscape.layers.convolution import ConvStack, NormStack
from fewscape.layers.hypercorrelation import HypercorrelationTrunk
from fewscape.layers.projection import PyramidProjection
from fewscape.layers.reduction import PyramidReduction

__all__ = [
    "CenterPivotBlock",
    "CenterPivotConv4d",
    "ConvStack",
    "HypercorrelationTrunk",
    "NormStack",
    "PyramidProjection",
    "PyramidReduction",
]
