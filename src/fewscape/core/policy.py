"""Device and precision of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from fewscape.core.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Device, dtype and memory format of inference.

    bfloat16 is faster only with hardware support, where it also needs channels-last memory, so both
    come together.
    """

    device: torch.device
    dtype: torch.dtype

    @property
    def memory_format(self) -> torch.memory_format:
        """Channels-last: faster for convolutions on every device measured."""
        return torch.channels_last

    @classmethod
    def choose(cls, device: str = "auto", precision: Precision = "auto") -> Policy:
        """Choose a policy; ``auto`` takes the best of this machine.

        Raises:
            ConfigError: a CUDA device was requested and there is none.
        """
        target = _find_device(device)
        if precision == "auto":
            return cls(target, torch.bfloat16 if _is_bfloat16_fast(target) else torch.float32)
        return cls(target, getattr(torch, precision))


def _find_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"there is no device '{name}'",
            "expected 'auto', 'cpu', 'cuda' or a device such as 'cuda:1'",
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"device '{name}' was requested, but torch sees {torch.cuda.device_count()} CUDA "
            "devices",
            "expected 'auto', 'cpu' or a present device",
            "use --device cpu, or install a CUDA build of torch",
        )
    return device


def _is_bfloat16_fast(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
    return False
