"""BiCoR-Seg: class embeddings and feature maps that refine each other."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Features, Output
from fewscape.losses import class_cross_entropy, class_dice, find_present, fisher_loss
from fewscape.models.bicor_seg.config import VARIANTS, VariantName
from fewscape.models.bicor_seg.refinement import (
    MIN_PIXELS,
    LinearPyramid,
    MutualRefinement,
    ShuffleUpsampler,
    classify,
    refine,
)
from fewscape.models.semantic import SemanticModel
from fewscape.models.variants import choose_variant
from fewscape.ops import resize_maps, widen

STRIDES = (4, 8, 16, 32)
SHUFFLED = 16
"""Factor by which the upsampler narrows the map."""
AUXILIARY_WEIGHT = 0.4
HEAT_WEIGHT = 0.1
FISHER_WEIGHT = 0.1


class BiCoRSeg(SemanticModel):
    """Bidirectional co-refinement framework.

    Shi and Song, arXiv 2512.20255 (2025). A linear pyramid gives one map of stride 4. In each layer
    (HBIS) every class has a heatmap over the map; its hot pixels refine the class's embedding
    (F2CE), and the embeddings scale and shift the map (CE2F). The last embeddings classify the last
    map, which pixel shuffles upsample to the image.

    Heatmaps are supervised, and a Fisher loss keeps embeddings compact within classes and separate
    between them. ``variant`` sets these losses and the normalisation of the fused map.

    Args:
        num_classes: N.
        backbone: a pyramid of strides 4, 8, 16 and 32; published on ``convnext_base``.
        num_layers: 2, on Potsdam 3.
        topk_ratio: see ``MutualRefinement``; 0.02 on LoveDA, otherwise 1.
        min_pixels: see there.
        width: channels of the map and of the embeddings, a multiple of 64; the paper takes 256.
        variant: ``default``, ``reference`` or ``reference_loveda``, see ``config``.
    """

    name: ClassVar[str] = "bicor_seg"

    def __init__(
        self,
        num_classes: int,
        backbone: BackboneConfig | None = None,
        num_layers: int = 2,
        topk_ratio: float = 1.0,
        min_pixels: int = MIN_PIXELS,
        width: int = 256,
        variant: VariantName = "default",
    ) -> None:
        super().__init__()
        if width % SHUFFLED or num_classes < 2:
            raise ConfigError(
                f"BiCoR-Seg cannot have {num_classes} classes and a width of {width}",
                f"expected at least 2 classes and a multiple of {SHUFFLED}",
            )
        self.variant = choose_variant(VARIANTS, variant, "BiCoR-Seg")
        self.settings = {
            "num_layers": num_layers,
            "topk_ratio": topk_ratio,
            "min_pixels": min_pixels,
            "width": width,
            "variant": variant,
        }
        self.num_classes = num_classes
        self.num_heats = num_layers
        self.backbone = (backbone or BackboneConfig("convnext_base")).build(STRIDES)
        if self.backbone.strides != STRIDES:
            raise ConfigError(
                f"BiCoR-Seg cannot use a backbone with strides {list(self.backbone.strides)}",
                f"it needs one map of each of the strides {list(STRIDES)}",
                "leave the settings 'strides' and 'taps' out",
            )
        self.pyramid = LinearPyramid(self.backbone.channels, width)
        self.norm = nn.BatchNorm2d(width) if self.variant.normalise_fused else nn.Identity()
        self.classes = nn.Parameter(torch.empty(num_classes, width))
        nn.init.normal_(self.classes, std=self.variant.table_std)
        self.layers = nn.ModuleList(
            MutualRefinement(width, topk_ratio, min_pixels) for _ in range(num_layers)
        )
        self.upsampler = ShuffleUpsampler(width)
        self.classifier = nn.Linear(width, width // SHUFFLED, bias=False)
        self.static_classifier = nn.Linear(width, width // SHUFFLED, bias=False)
        self.stride = 1
        self.window_multiple = STRIDES[-1]

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "num_classes": self.num_classes,
            "backbone": self.backbone.settings,
            **self.settings,
        }

    def fuse(self, maps: tuple[torch.Tensor, ...], size: tuple[int, int]) -> Features:
        """The fused map of stride 4."""
        return Features((self.norm(self.pyramid(maps)),), size)

    def decode(self, features: Features) -> Output:
        """Logits (B, N, H, W) at the images' resolution.

        ``maps`` hold the heats' logits ``heat1`` (B, N, H / 4, W / 4), ... and in training the
        ``embeddings1`` (B, N, C), ... and the ``auxiliary`` logits of the table of classes.
        """
        fused = features.maps[0]
        classes = self.classes.expand(fused.shape[0], -1, -1)
        refined = refine(self.layers, classes, fused)
        maps = {f"heat{number}": heat for number, heat in enumerate(refined.heats, start=1)}
        weights = self.classifier(refined.embeddings[-1])
        logits = classify(self.upsampler(refined.features), weights)
        if self.training:
            for number, embeddings in enumerate(refined.embeddings, start=1):
                maps[f"embeddings{number}"] = embeddings
            table = self.static_classifier(self.classes.detach())
            maps["auxiliary"] = classify(
                self.upsampler(fused), table.expand(fused.shape[0], -1, -1)
            )
        return Output(logits, features.size, maps)

    def auxiliary_losses(self, output: Output, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Losses of the class table, of every heatmap, and of the embeddings of every layer."""
        legacy, absent = self.variant.legacy_mean, self.variant.count_absent
        auxiliary = class_cross_entropy(output.maps["auxiliary"], labels, legacy_mean=legacy)
        size = (labels.shape[1], labels.shape[2])
        present = None
        if self.variant.group_by_presence:
            present = find_present(labels, self.num_classes)
        heats, fishers = [], []
        for number in range(1, len(self.layers) + 1):
            heat = resize_maps(widen(output.maps[f"heat{number}"]), size)
            cross_entropy = class_cross_entropy(heat, labels, legacy_mean=legacy)
            heats.append(cross_entropy + class_dice(heat, labels, count_absent=absent))
            fishers.append(fisher_loss(output.maps[f"embeddings{number}"], present))
        fisher = FISHER_WEIGHT * torch.stack(fishers).sum()
        return {
            "auxiliary": AUXILIARY_WEIGHT * auxiliary,
            "heat": HEAT_WEIGHT * torch.stack(heats).sum(),
            "fisher": fisher + self.variant.last_fisher_weight * fishers[-1],
        }
