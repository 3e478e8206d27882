"""Find the blocks inside a timm network and their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fewscape.core import ConfigError

PROBE_SIDE = 128
"""Side of the probing image, pixels; a multiple of every stride in use."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a network.

    Attributes:
        name: path of the module inside the network.
        channels: C of its output.
        stride: pixels per cell of its output.
    """

    name: str
    channels: int
    stride: int


def find_blocks(network: nn.Module, strides: Sequence[int], title: str) -> list[Block]:
    """Find the blocks whose outputs have the wanted strides, in execution order.

    A stage is a sequence of blocks with their own layers: residual blocks, inverted residuals,
    ConvNeXt blocks. Other structures are refused.

    Args:
        network: a timm network with ``features_only``; it is moved to the meta device and unusable
            afterwards.
        strides: wanted strides, fine to coarse.
        title: the network's name in messages.

    Raises:
        ConfigError: a level has no such blocks, or their outputs are not maps (B, C, H, W).
    """
    names = list(_walk(network))
    found = []
    for name, output in zip(names, _probe(network, names), strict=False):
        if _is_map(output):
            found.append(Block(name, output.shape[1], PROBE_SIDE // output.shape[2]))
    if absent := [stride for stride in strides if stride not in {b.stride for b in found}]:
        raise ConfigError(
            f"the blocks of '{title}' at stride {absent} cannot be found",
            "expected stages that are sequences of blocks, as in ResNet or MobileNet",
            "use taps 'stages' or another backbone",
        )
    return [block for stride in strides for block in found if block.stride == stride]


def _probe(network: nn.Module, names: Sequence[str]) -> list[torch.Tensor]:
    """Shapes of outputs; none if the network refuses the probing image."""
    image = torch.zeros(1, 3, PROBE_SIDE, PROBE_SIDE, device="meta")
    try:
        with torch.no_grad():
            return gather_outputs(network.to("meta").eval(), names, image)
    except (AssertionError, RuntimeError, KeyError):  # timm's networks fail in many ways
        return []


def _is_map(output: object) -> bool:
    """Whether a square image gave a square (B, C, H, W)."""
    return (
        isinstance(output, torch.Tensor)
        and output.dim() == 4
        and output.shape[2] == output.shape[3]
    )


def gather_outputs(
    network: nn.Module, names: Sequence[str], images: torch.Tensor
) -> list[torch.Tensor]:
    """Run a network and gather the outputs of named modules, in the order of the names.

    Hooks exist only during the call; otherwise a copied network would report to its original.
    """
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:  # noqa: ANN401 (the signature of hooks is torch's)
        def hook(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:  # noqa: ANN401
            outputs[name] = output

        return hook

    handles = [network.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    return [outputs[name] for name in names]


def _walk(module: nn.Module, path: str = "") -> Iterator[str]:
    """Paths of the blocks below a module, in order, without looking into blocks."""
    children = dict(module.named_children())
    is_stage = isinstance(module, nn.Sequential) and not any(
        isinstance(child, nn.Sequential) for child in children.values()
    )
    for name, child in children.items():
        if not any(True for _ in child.children()):  # a single layer
            continue
        if is_stage:
            yield path + name
        else:
            yield from _walk(child, f"{path}{name}.")
