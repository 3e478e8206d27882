"""Any timm network with ``features_only``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fewscape.backbones.blocks import find_blocks, gather_outputs
from fewscape.backbones.pyramid import Backbone, Taps, Training
from fewscape.core import ConfigError, suggest


class TimmBackbone(Backbone):
    """The stages of a timm network as a pyramid.

    Args:
        name: timm's name of the network.
        strides: strides of the wanted levels; a stride that the network lacks is an error.
        training_mode: what training changes.
        mean: of each input band in [0, 1]; timm's own for this network if not given.
        std: likewise.
        pretrained: let timm download its own weights.
        taps: ``stages`` gives timm's own map of each level, ``blocks`` the output of every block.
        **options: passed to ``timm.create_model``, such as ``pad_type="same"``.

    Raises:
        ConfigError: the name, stride or option is unknown, or the network's blocks cannot be found.
    """

    def __init__(
        self,
        name: str,
        strides: Sequence[int] = (8, 16, 32),
        training_mode: Training = "frozen",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        pretrained: bool = False,
        taps: Taps = "stages",
        **options: Any,  # noqa: ANN401 (timm decides what it takes)
    ) -> None:
        import timm

        if not timm.is_model(name):
            raise ConfigError(
                f"timm has no network named '{name}'",
                "expected a name of timm.list_models(), or resnet50, resnet101, vgg16",
                suggest(name, timm.list_models())[:300],
            )
        try:
            probe = timm.create_model(name, features_only=True, pretrained=False, **options)
        except (TypeError, RuntimeError) as error:
            raise ConfigError(f"timm cannot build '{name}' with {options}", str(error)) from error
        known = list(probe.feature_info.reduction())
        if absent := [stride for stride in strides if stride not in known]:
            raise ConfigError(
                f"'{name}' has no feature maps of stride {absent}",
                f"its strides are {known}",
                "use a network with a pyramid of maps, such as resnet50 or mobilenetv2_100",
            )
        levels = [len(known) - 1 - known[::-1].index(stride) for stride in strides]
        network = timm.create_model(
            name, features_only=True, out_indices=levels, pretrained=pretrained, **options
        )
        settings = timm.data.resolve_model_data_config(network)
        super().__init__(
            network.feature_info.channels(),
            strides,
            mean or settings["mean"],
            std or settings["std"],
            training_mode,
        )
        self.network = network
        self._blocks: tuple[str, ...] = ()
        if taps == "blocks":
            found = find_blocks(probe, strides, name)
            self._blocks = tuple(block.name for block in found)
            self.channels = tuple(block.channels for block in found)
            self.strides = tuple(block.stride for block in found)
        self.set_training(training_mode)

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The chosen stages or blocks."""
        if self._blocks:
            return gather_outputs(self.network, self._blocks, images)
        return list(self.network(images))
