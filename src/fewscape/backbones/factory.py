"""Make a backbone from a name and a source of weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from fewscape.backbones.checking import check_name, check_options
from fewscape.backbones.dilated_resnet import DilatedResNetBackbone
from fewscape.backbones.published_weights import Publisher, fetching
from fewscape.backbones.pyramid import Backbone, Taps, Training
from fewscape.backbones.timm_backbone import TimmBackbone
from fewscape.backbones.torchvision_backbone import ResNetBackbone, VGGBackbone
from fewscape.backbones.transformer_backbone import TransformerBackbone, has_one_stride
from fewscape.backbones.weights import fit_state, locate, read_hints, read_state
from fewscape.core import ConfigError

IMAGENET = "imagenet"
"""The source of the weights published by torchvision or timm."""

CLASSIFIERS = ("fc.", "classifier.", "head.", "conv_head.", "bn2.", "fc_norm.", "attn_pool.")
"""Prefixes of classifier weights in full networks."""


DILATED = "_dilated"
"""Suffix of networks with stride 8 and PSPNet's stem."""

STRIDE8 = "_stride8"
"""Suffix of networks with stride 8 and torchvision's stem."""

PAPERS = (
    *(f"resnet{depth}{kind}" for depth in (50, 101) for kind in ("", DILATED, STRIDE8)),
    "vgg16",
)
"""Networks that are built here and not by timm."""

DEFAULT = "resnet50"
"""The backbone of most papers."""


def make_backbone(
    name: str | None = None,
    weights: str | None = None,
    strides: Sequence[int] = (8, 16, 32),
    training_mode: Training = "frozen",
    options: Mapping[str, Any] | None = None,
    taps: Taps = "stages",
) -> Backbone:
    """Make a backbone by name.

    Args:
        name: ``resnet50``, ``resnet101`` or ``vgg16`` as the papers use them (torchvision),
            ``resnet50_dilated`` or ``resnet101_dilated`` as PFENet does, ``resnet50_stride8`` or
            ``resnet101_stride8`` with torchvision's stem, so that its weights fit, or any timm
            network, including plain transformers; ``timm/resnet50`` is timm's network of that name.
            By default the network in the weights' metadata, otherwise ``resnet50``.
        weights: None for random ones, a local file, ``hf-hub:owner/name``, or ``imagenet``.
            A safetensors file may have mean, std and padding in its metadata.
        strides: wanted levels, fine to coarse.
        training_mode: what training changes.
        options: further arguments for timm, or ``mean`` and ``std``.
        taps: ``stages`` gives one map per stride; ``blocks`` the output of every block of these
            levels, several maps per stride (HSNet, ICPD-Net).

    Raises:
        ConfigError: the name, stride or option is unknown, or the network's blocks are.
        WeightsError: the weights cannot be fetched or read, or do not fit.
    """
    settings = dict(options or {})
    path = None
    if weights not in (None, IMAGENET):
        path = locate(str(weights))
        settings = read_hints(path) | settings
    name = settings.pop("name", DEFAULT) if name is None else name
    settings.pop("name", None)
    check_name(name)
    check_options(name, settings)
    is_published = weights == IMAGENET
    what = f"the ImageNet weights of '{name}'"
    publisher: Publisher = "torchvision" if name in PAPERS else "hub"
    with fetching(what, publisher) if is_published else nullcontext():
        backbone = _build(name, strides, training_mode, is_published, settings, taps)
    if path is not None:
        is_wrapped = isinstance(backbone, TimmBackbone | TransformerBackbone)
        network = backbone.get_submodule("network") if is_wrapped else backbone
        fit_state(network, read_state(path), str(path), CLASSIFIERS)
    backbone.settings = {
        "name": name,
        "strides": list(strides),
        "training_mode": training_mode,
        "options": {key: _plain(value) for key, value in settings.items()},
        "taps": taps,
    }
    return backbone


def _plain(value: Any) -> Any:  # noqa: ANN401 (an option of timm)
    return list(value) if isinstance(value, tuple) else value


def _build(
    name: str,
    strides: Sequence[int],
    training_mode: Training,
    pretrained: bool,
    settings: dict[str, Any],
    taps: Taps,
) -> Backbone:
    if name not in PAPERS:
        timm_name = name.removeprefix("timm/")
        build = TransformerBackbone if has_one_stride(timm_name) else TimmBackbone
        return build(
            timm_name, strides, training_mode, pretrained=pretrained, taps=taps, **settings
        )
    plain_name, *kind = name.split("_")
    if settings:
        raise ConfigError(
            f"'{name}' was given the options {settings}",
            "the papers' networks have none",
            f"use 'timm/{plain_name}' for others",
        )
    if name == "vgg16":
        return VGGBackbone(strides, training_mode, pretrained, taps)
    depth = int(plain_name.removeprefix("resnet"))
    if not kind:
        return ResNetBackbone(depth, strides, training_mode, pretrained, taps)
    deep_stem = name.endswith(DILATED)
    if deep_stem and pretrained:
        raise ConfigError(
            f"'{name}' has no published ImageNet weights",
            "its stem is not torchvision's",
            f"give a file of weights, or use '{plain_name}{STRIDE8}' or '{plain_name}'",
        )
    return DilatedResNetBackbone(depth, strides, training_mode, taps, deep_stem, pretrained)
