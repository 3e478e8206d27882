"""Plain vision transformers of timm, whose blocks share one grid of tokens."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from fewscape.backbones.pyramid import Backbone, Taps, Training
from fewscape.core import ConfigError
from fewscape.ops import fit_maps, resize_maps

REMEDY = "use a plain transformer such as vit_small_patch14_dinov2, or resnet50"


class TransformerBackbone(Backbone):
    """A pyramid from the tokens of a plain transformer, such as ViT, DINOv2, DINOv3 or CLIP's.

    Each level is the map of one block, after the network's last norm if it has one for tokens. The
    blocks are spread evenly over the second half: the 6th, 9th and 12th of twelve for three levels.
    The first half is not used because its tokens encode positions rather than content.

    Tokens are ``cell`` pixels apart, the power of two nearest to the patch side. Images are resized
    accordingly: 256 pixels to 224 for patches of 14, which gives 16 x 16 tokens; sizes that are not
    multiples of ``cell`` are rounded up. Levels of other strides are resized without parameters:
    bilinear if finer, means if coarser. They are no sharper than the tokens.

    Args:
        name: timm's name of the network.
        strides: any strides of the wanted levels, fine to coarse.
        training_mode: what training changes; there are no batch statistics.
        mean: of each input band in [0, 1]; timm's own for this network if not given.
        std: likewise.
        pretrained: let timm download its own weights.
        taps: ``stages`` gives one block's map per level; ``blocks`` also those of the blocks in
            between, equally many per level, the last being the stage.
        **options: passed to ``timm.create_model``, such as ``depth=4``.

    Raises:
        ConfigError: an option is unknown, there are fewer blocks than levels, or the network has a
            fixed image size.
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

        network = _create(name, pretrained, options)
        depth = len(network.feature_info)
        if depth < len(strides):
            raise ConfigError(
                f"'{name}' has {depth} blocks for {len(strides)} levels",
                "expected at least one block per level",
                "use a deeper network",
            )
        levels = spread_blocks(depth, len(strides))
        if taps == "stages":
            levels = [block[-1:] for block in levels]
        settings = timm.data.resolve_model_data_config(network)
        super().__init__(
            [network.feature_info[block]["num_chs"] for level in levels for block in level],
            [stride for stride, level in zip(strides, levels, strict=True) for _ in level],
            mean or settings["mean"],
            std or settings["std"],
            training_mode,
        )
        self.blocks = tuple(block for level in levels for block in level)
        self.patch = int(network.feature_info[0]["reduction"])
        self.cell = 2 ** round(math.log2(self.patch))
        self.network = network
        self._check_sizes(name)
        self.set_training(training_mode)

    def _check_sizes(self, name: str) -> None:
        """Try an image of another size than the network's default."""
        image = torch.zeros(1, 3, 2 * self.patch, 3 * self.patch)
        try:
            with torch.no_grad():
                maps = self._run(image)
        except (
            AssertionError,
            RuntimeError,
            TypeError,
        ) as error:  # networks fail in different ways
            raise ConfigError(
                f"'{name}' has a fixed image size", str(error).rstrip("."), REMEDY
            ) from error
        if any(level.shape[2:] != (2, 3) for level in maps):
            raise ConfigError(
                f"'{name}' gives maps of {tuple(maps[0].shape[2:])} for 2 x 3 patches",
                "expected one token per patch",
                REMEDY,
            )

    def _run(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Tokens of the chosen blocks, each (B, C, H / patch, W / patch)."""
        maps: list[torch.Tensor] = self.network.forward_intermediates(
            images, indices=list(self.blocks), norm=True, intermediates_only=True
        )
        return maps

    def extract(self, images: torch.Tensor) -> Sequence[torch.Tensor]:
        """The chosen blocks' maps, (B, C, H / stride, W / stride), rounded up."""
        height, width = images.shape[2:]
        size = (_cells(height, self.cell) * self.patch, _cells(width, self.cell) * self.patch)
        # In float32, since torch cannot average bfloat16 on the CPU.
        fitted = resize_maps(images.float(), size, antialias=True).to(images.dtype)
        return [
            fit_maps(level, (_cells(height, stride), _cells(width, stride)))
            for level, stride in zip(self._run(fitted), self.strides, strict=True)
        ]


def spread_blocks(depth: int, num_levels: int) -> list[list[int]]:
    """Indices of each level's blocks, evenly over the second half; the last is its map.

    Args:
        depth: number of blocks; at least ``num_levels``.
        num_levels: number of levels.

    Examples:
        >>> spread_blocks(12, 3)
        [[3, 4, 5], [6, 7, 8], [9, 10, 11]]
        >>> [level[-1] for level in spread_blocks(12, 4)]
        [5, 7, 9, 11]
        >>> spread_blocks(3, 3)
        [[0], [1], [2]]
    """
    if num_levels == 1:
        return [list(range(depth // 2, depth))]
    first = min(math.ceil(depth / 2), depth - num_levels + 1)
    gap = (depth - first) / (num_levels - 1)
    ends = [first + round(level * gap) for level in range(num_levels)]
    starts = [max(0, 2 * ends[0] - ends[1]), *ends[:-1]]
    return [list(range(start, end)) for start, end in zip(starts, ends, strict=True)]


@functools.cache
def has_one_stride(name: str) -> bool:
    """Whether all blocks of a timm network have the same stride; false for unknown names."""
    try:
        network = _create_empty(name)
    except RuntimeError:  # unknown, or an unknown tag of its weights
        return False
    blocks = getattr(network, "feature_info", None)
    if not isinstance(blocks, list) or not hasattr(network, "forward_intermediates"):
        return False
    return len(blocks) > 1 and len({block["reduction"] for block in blocks}) == 1


def _create_empty(name: str) -> nn.Module:
    import timm

    try:
        with torch.device("meta"):
            network: nn.Module = timm.create_model(name)
    except RuntimeError:  # older versions of timm read values while they build
        network = timm.create_model(name)
    return network


def _create(name: str, pretrained: bool, options: dict[str, Any]) -> Any:  # noqa: ANN401 (timm's)
    """Create the network without its classifier, for images of any size if possible."""
    import timm

    network: Any = None
    settings = {"num_classes": 0, "pretrained": pretrained, **options}
    try:
        try:
            network = timm.create_model(name, **({"dynamic_img_size": True} | settings))
        except TypeError:  # it accepts any size anyway, or only its own
            network = timm.create_model(name, **settings)
    except (TypeError, RuntimeError) as error:
        raise ConfigError(f"timm cannot build '{name}' with {options}", str(error)) from error
    network.prune_intermediate_layers([len(network.feature_info) - 1], prune_head=True)
    return network


def _cells(side: int, stride: int) -> int:
    return -(-side // stride)
