"""Frozen CLIP image and text towers behind one small interface."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from fewscape.backbones.weights import fit_state, locate, read_state
from fewscape.core import ConfigError, require, suggest
from fewscape.ops import resize_maps

log = logging.getLogger(__name__)

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """The towers and the class names.

    Args:
        class_names: one bare name per class; the order is part of a trained network.
        architecture: a name of open_clip, or ``stub`` for a tiny random one (for tests only; its
            results are meaningless).
        weights: a local file or ``hf-hub:owner/name/file``, such as RemoteCLIP's; never fetched
            unless given. None for random ones, to be filled from a model folder.
        texts: a file of ``save_texts`` with precomputed vectors of the names, instead of the text
            tower.
        first_class_id: number of the first name in the data set; the others follow.
    """

    class_names: Sequence[str]
    architecture: str = "ViT-L-14"
    weights: str | None = None
    texts: str | None = None
    first_class_id: int = 1

    def describe(self) -> dict[str, Any]:
        """Plain data to rebuild the same towers, without the sources of the weights."""
        settings = asdict(self) | {"class_names": list(self.class_names)}
        return {key: value for key, value in settings.items() if key not in ("weights", "texts")}


class ClipEncoder(nn.Module, ABC):
    """Frozen towers; only the image tower is part of a network's state.

    Attributes:
        side: input side of the image tower, pixels.
        width: length of the vectors of tokens and texts.
    """

    side: int
    width: int

    @property
    @abstractmethod
    def last_norm(self) -> nn.Module:
        """The first layer norm of the last block; its output is (B, 1 + N, C)."""

    @abstractmethod
    def tokens(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map normalised pixels (B, 3, side, side) to patch vectors (B, h, w, width)."""

    @abstractmethod
    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map normalised pixels (B, 3, side, side) to one vector per image, (B, width)."""

    @abstractmethod
    def encode_text(self, names: Sequence[str]) -> torch.Tensor:
        """Encode names as vectors (n, width) float32, not normalised."""

    def release_text(self) -> None:
        """Free the text tower; ``encode_text`` no longer works."""

    def prepare(
        self,
        images: torch.Tensor,
        mean: torch.Tensor | None = None,
        std: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Resize and normalise pixels for the tower.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
            mean: (1, 3, 1, 1) to subtract; CLIP's own if not given.
            std: (1, 3, 1, 1) to divide by, likewise.
        """
        scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
        mean = scaled.new_tensor(CLIP_MEAN).view(1, 3, 1, 1) if mean is None else mean.float()
        std = scaled.new_tensor(CLIP_STD).view(1, 3, 1, 1) if std is None else std.float()
        pixels = resize_maps((scaled - mean) / std, (self.side, self.side), antialias=True)
        return pixels.to(next(self.parameters()).dtype)

    @torch.no_grad()
    def encode_tokens(
        self,
        images: torch.Tensor,
        mean: torch.Tensor | None = None,
        std: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Projected patch vectors (B, h, w, width), not normalised; see ``prepare``."""
        return self.tokens(self.prepare(images, mean, std))

    def freeze(self) -> None:
        """Disable the gradients of all weights."""
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> ClipEncoder:
        """Stay in evaluation mode."""
        del mode
        return super().train(False)


class OpenClip(ClipEncoder):
    """A vision transformer of open_clip.

    Args:
        architecture: open_clip's name; its image tower must be open_clip's own transformer.
        weights: a local file or a hub name; None for random ones.

    Raises:
        MissingPackageError: open_clip is not installed.
        ConfigError: the architecture is unknown or has no such image tower.
        WeightsError: the weights cannot be read or do not fit.
    """

    def __init__(self, architecture: str, weights: str | None = None) -> None:
        super().__init__()
        open_clip = require("open_clip", "clip")
        if architecture not in open_clip.list_models():
            raise ConfigError(
                f"open_clip has no architecture '{architecture}'",
                "",
                suggest(architecture, open_clip.list_models())[:300],
            )
        model = open_clip.create_model(architecture, pretrained=None, load_weights=False)
        if weights is None:
            log.warning("the CLIP towers '%s' have random weights", architecture)
        else:
            fit_state(model, read_state(locate(weights)), weights)
        self.visual = model.visual
        if not hasattr(self.visual, "forward_intermediates") or not hasattr(self.visual, "proj"):
            raise ConfigError(
                f"the image tower of '{architecture}' is not a plain vision transformer",
                "expected an architecture such as ViT-L-14 or ViT-B-16",
            )
        self.side = int(self.visual.image_size[0])
        self.width = int(self.visual.proj.shape[1])
        self._whole = [model.eval()]  # in a list, so that the text tower is not part of the state
        self._tokenize = open_clip.get_tokenizer(architecture)
        self.freeze()

    @property
    def last_norm(self) -> nn.Module:
        """The first layer norm of the last block."""
        norm: nn.Module = self.visual.transformer.resblocks[-1].ln_1
        return norm

    def tokens(self, pixels: torch.Tensor) -> torch.Tensor:
        """The last block's patches, after the final norm, projected."""
        found = self.visual.forward_intermediates(
            pixels, indices=1, normalize_intermediates=True, intermediates_only=True
        )
        maps: torch.Tensor = found["image_intermediates"][0]  # (B, C, h, w)
        return torch.matmul(maps.permute(0, 2, 3, 1), self.visual.proj)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """The projected class token."""
        embedded: torch.Tensor = self.visual(pixels)
        return embedded

    @torch.no_grad()
    def encode_text(self, names: Sequence[str]) -> torch.Tensor:
        """Encode each name as a prompt, without a template.

        Raises:
            ConfigError: the text tower was released.
        """
        if not self._whole:
            raise ConfigError(
                "the text tower was released",
                "texts are encoded once, when a network is built",
                "build OpenClip again to encode others",
            )
        model = self._whole[0]
        tokens = self._tokenize(list(names)).to(next(model.parameters()).device)
        vectors: torch.Tensor = model.encode_text(tokens)
        return vectors.float()

    def release_text(self) -> None:
        """Drop everything except the image tower."""
        self._whole.clear()
