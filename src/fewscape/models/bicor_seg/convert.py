"""From the published checkpoints' names to ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from fewscape.core import WeightsError
from fewscape.models.official import strip_module

PARTS = {
    "decoder.class_dict.class_embed.weight": "classes",
    "feature_aggregator.weight": "pyramid.mix.weight",
    "decoder.upsampler.1.": "upsampler.norm.",
    "decoder.classifier_proj.": "classifier.",
    "decoder.static_classifier.": "static_classifier.",
}
LAYER_PARTS = {
    "dict_to_feat.": "to_features.",
    "feat_to_dict.": "to_classes.",
    "gate_mlp.": "gate.",
    "cand_mlp.": "candidate.",
    "gamma_proj.": "scale.",
    "beta_proj.": "shift.",
    "feat_ln.": "norm_features.",
    "dict_ln.": "norm_classes.",
}
BLOCK_PARTS = {
    "layer_scale": "gamma",
    "block.0": "conv_dw",
    "block.2": "norm",
    "block.3": "mlp.fc1",
    "block.5": "mlp.fc2",
}
"""torchvision's names of a ConvNeXt block, and timm's."""
LAYERS = "decoder.bicor_stack.layers."
PROJECTIONS = "proj_layers."
ENCODER = "encoder.0."


def from_official(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename a published state dict for timm's backbone ``convnext_base``.

    Raises:
        WeightsError: a name is not in any published checkpoint.
    """
    return {_rename(name): _flatten(name, tensor) for name, tensor in strip_module(state)}


def _rename(name: str) -> str:
    for prefix, own in PARTS.items():
        if name.startswith(prefix):
            return own + name.removeprefix(prefix)
    if name.startswith(LAYERS):
        number, _, rest = name.removeprefix(LAYERS).partition(".")
        for prefix, own in LAYER_PARTS.items():
            if rest.startswith(prefix):
                return f"layers.{number}.{own}{rest.removeprefix(prefix)}"
    if name.startswith(PROJECTIONS):
        number, _, rest = name.removeprefix(PROJECTIONS).partition(".proj.")
        return f"pyramid.projections.{number}.{rest}"
    if name.startswith(ENCODER):
        return "backbone.network." + _rename_encoder(name.removeprefix(ENCODER))
    raise WeightsError(
        f"'{name}' is not a name of a BiCoR-Seg checkpoint",
        "expected encoder.*, proj_layers.*, feature_aggregator.* and decoder.*",
        "give the state dict of the network itself",
    )


def _rename_encoder(name: str) -> str:
    """Map torchvision's layer numbers to timm's stages; odd layers hold blocks."""
    layer, part, rest = name.split(".", 2)
    number = int(layer)
    if number == 0:
        return f"stem_{part}.{rest}"
    stage = f"stages_{(number - 1) // 2}" if number % 2 else f"stages_{number // 2}"
    if number % 2 == 0:
        return f"{stage}.downsample.{part}.{rest}"
    for before, after in BLOCK_PARTS.items():
        if rest.startswith(before):
            return f"{stage}.blocks.{part}.{after}{rest.removeprefix(before)}"
    return f"{stage}.blocks.{part}.{rest}"


def _flatten(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Flatten matrices and vectors that the published network stores as 1 x 1 convolutions."""
    if name.endswith("layer_scale"):
        return tensor.flatten()
    return tensor.flatten(1) if name.endswith("feat_to_dict.weight") else tensor
