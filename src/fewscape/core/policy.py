"""Where and in which precision a network runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from fewscape.core.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Device, dtype and memory format of inference.

    bfloat16 pays only where the processor multiplies it in hardware; there it also needs
    channels-last memory to be fast, so both come together.
    """

    device: torch.device
    dtype: torch.dtype

    @property
    def memory_format(self) -> torch.memory_format:
        """Channels-last: faster for convolutions on every device measured."""
        return torch.channels_last

    @classmethod
    def choose(cls, device: str = "auto", precision: Precision = "auto") -> Policy:
        """The policy for a request; ``auto`` takes the best that this machine has.

        Raises:
            ConfigError: a CUDA device was asked for and there is none.
        """
        name = device
        if device == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and not torch.cuda.is_available():
            raise ConfigError(
                f"device '{device}' was asked for, but torch sees no CUDA device",
                "expected 'auto', 'cpu' or a present device",
                "use --device cpu, or install a CUDA build of torch",
            )
        target = torch.device(name)
        if precision == "auto":
            return cls(target, torch.bfloat16 if _is_bfloat16_fast(target) else torch.float32)
        return cls(target, getattr(torch, precision))


def _is_bfloat16_fast(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
    return False
