"""The base class of all networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from torch import nn

from fewscape.backbones import Backbone


class Network(nn.Module, ABC):
    """A network on a pretrained backbone that can be saved to a model folder."""

    name: ClassVar[str]
    """Name in the zoo."""

    backbone: Backbone
    stride: int
    """Pixels per cell of the logits."""
    window_multiple: int
    """Heights and widths of images must be multiples of this."""
    region_method: str | None = None
    """Over-segmentation that the network needs with each image, a name of ``regions``."""
    region_options: Mapping[str, Any] = MappingProxyType({})
    """Its parameters."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, without the source of the weights."""

    def describe_input(self) -> dict[str, Any]:
        """How a file's values are preprocessed."""
        return {
            "bands": ["red", "green", "blue"],
            "scale": "divide uint8 by 255; other types by percentiles of the scene",
            "mean": self.backbone.mean.flatten().tolist(),
            "std": self.backbone.std.flatten().tolist(),
            "regions": {"method": self.region_method, "options": dict(self.region_options)},
        }
