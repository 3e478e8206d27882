"""IPDM: CLIP's similarities of an image to all class names, and the prior derived from them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from fewscape.backbones import ClipConfig, make_clip, softmax_grad_cam
from fewscape.core import Features, Support
from fewscape.models.icpd_net.config import ICPDVariant, PriorInput, PriorSource
from fewscape.models.icpd_net.prior_learner import PriorLearner
from fewscape.models.icpd_net.prompts import (
    NUM_STATISTICS,
    compare_texts,
    guess_target,
    order_classes,
    stack_prompts,
    summarise_prompts,
)


class PriorDecoupling(nn.Module):
    """Frozen towers, the vectors of the class names, and the learner.

    Args:
        config: towers and names.
        variant: see there.
        source: ``learner``, or ``grad_cam`` as a baseline.
        prior_input: see ``ICPDNet``.
    """

    def __init__(
        self, config: ClipConfig, variant: ICPDVariant, source: PriorSource, prior_input: PriorInput
    ) -> None:
        super().__init__()
        self.config = config
        self.variant = variant
        self.source = source
        self.prior_input = prior_input
        self.clip, self.texts = make_clip(config)
        if source == "learner":
            is_stack = prior_input == "stack"
            self.learner = PriorLearner(len(config.class_names) if is_stack else NUM_STATISTICS)

    def look(
        self, images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Compute the entries of ``Features.extra`` for a batch of images.

        Args:
            images: (B, 3, H, W) uint8, or float in [0, 1].
            mean: mean of the data set, for the variant that normalises with it.
            std: standard deviation, likewise.
        """
        statistics = () if self.variant.own_statistics else (mean, std)
        tokens = self.clip.encode_tokens(images, *statistics).permute(0, 3, 1, 2)
        extra = self.describe(tokens)
        if self.source == "grad_cam":
            pixels = self.clip.prepare(images)
            extra["activations"] = softmax_grad_cam(self.clip, pixels, self.texts.vectors)
        return extra

    def describe(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """``tokens`` (B, C, h, w) themselves and their ``similarity`` (B, K, h, w) to the names."""
        similarity = compare_texts(
            tokens, self.texts.vectors, self.variant.even_over, self.variant.unit_texts
        )
        return {"tokens": tokens, "similarity": similarity}

    def learn(self, features: Features, shares: torch.Tensor) -> dict[str, torch.Tensor]:
        """The support's tokens, similarity, and guessed ``target`` (B, 1).

        Args:
            features: features of the support images.
            shares: (B, h, w) share of foreground in each token.
        """
        similarity = features.extra["similarity"]
        return {
            "tokens": features.extra["tokens"],
            "similarity": similarity,
            "target": guess_target(similarity, shares),
        }

    def name(self, guess: torch.Tensor, class_id: torch.Tensor) -> torch.Tensor:
        """Index (B, 1) of each class (B,) among the names, or the guess (B or 1, 1)."""
        named = (class_id.to(guess.device) - self.config.first_class_id)[:, None]
        is_known = (named >= 0) & (named < len(self.texts.names))
        return torch.where(is_known, named, guess)

    def forward(
        self, features: Features, supports: Sequence[Support]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The query's prior (B, 1, h, w), and in training the supports' logits (B, S, h, w).

        All shots are of the class of the first.
        """
        target = supports[0]["target"]
        if self.source == "grad_cam":
            return stack_prompts(features.extra["activations"], target), None
        shuffle = self.training or self.variant.always_shuffle
        order = order_classes(target, len(self.texts.names), shuffle)
        prior = self.decouple(features.extra["similarity"], order).sigmoid()
        if not self.training:
            return prior, None
        learnt = [self.decouple(support["similarity"], order) for support in supports]
        return prior, torch.cat(learnt, dim=1)

    def decouple(self, similarity: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Logits (B, 1, h, w) float32 of the first class in the order.

        Args:
            similarity: (B, K, h, w).
            order: (B or 1, K), see ``order_classes``.
        """
        stack = stack_prompts(similarity, order)
        if self.prior_input == "statistics":
            stack = summarise_prompts(stack)
        logits: torch.Tensor = self.learner(stack)
        return logits.float()
