"""Build and load models with their weights."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, cast

from torch import nn

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import ConfigError, ModelFolderError
from fewscape.models import (
    DualSource,
    DualSourceConfig,
    Ensemble,
    FewShotModel,
    ModelFolder,
    PixelModel,
    SemanticModel,
)
from fewscape.zoo.facts import ModelFacts, find

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class LoadedModel:
    """A model in evaluation mode, with its facts.

    ``few_shot``, ``pixel``, ``semantic`` and ``pair`` return the network if it is of that kind, and
    raise an error that says what to do otherwise.
    """

    facts: ModelFacts
    network: FewShotModel | PixelModel[Any] | SemanticModel | DualSource

    @property
    def few_shot(self) -> FewShotModel:
        """A network that learns from crops around examples.

        Raises:
            ConfigError: the model is of another kind.
        """
        self.facts.require("few_shot")
        return cast(FewShotModel, self.network)

    @property
    def pixel(self) -> PixelModel[Any]:
        """A model that learns from every drawn pixel of a scene.

        Raises:
            ConfigError: the model is of another kind.
        """
        self.facts.require("pixel")
        return cast(PixelModel[Any], self.network)

    @property
    def semantic(self) -> SemanticModel:
        """A supervised network; ``facts`` has its classes.

        Raises:
            ConfigError: the model is of another kind.
        """
        self.facts.require("semantic")
        return cast(SemanticModel, self.network)

    @property
    def pair(self) -> DualSource:
        """A network for panchromatic and multispectral pairs.

        Raises:
            ConfigError: the model is of another kind.
        """
        self.facts.require("pair")
        return cast(DualSource, self.network)


def load(
    model: str | ModelFacts, backbone: str | None = None, weights: str | None = None
) -> LoadedModel:
    """Load a model in evaluation mode with its facts; its folder is opened and hashed once.

    Args:
        model: see ``find``; or its result.
        backbone: backbone of a name or class path without a folder, or of ``ensemble``, see
            ``make_backbone``; by default the one in the weights' metadata.
        weights: weights of that backbone; required for ``ensemble``.

    Raises:
        ConfigError: the name is unknown, or backbone and weights were given for a model that has
            its own.
        ModelFolderError: the folder is incomplete or altered.
    """
    facts = find(model) if isinstance(model, str) else model
    match facts.kind:
        case "pixel":
            network: Any = _load_pixel(facts, backbone, weights)
        case "pair":
            _refuse_backbone(facts, backbone, weights)
            network = _load_pair(facts)
        case "semantic":
            _refuse_backbone(facts, backbone, weights)
            network = _load_semantic(facts)
        case "few_shot":
            network = _load_few_shot(facts, backbone, weights)
    if isinstance(network, nn.Module):
        network.eval()
    return LoadedModel(facts, network)


def _load_few_shot(facts: ModelFacts, backbone: str | None, weights: str | None) -> FewShotModel:
    if facts.folder is not None:
        _refuse_backbone(facts, backbone, weights)
        network: FewShotModel = _build(facts, facts.folder)
        return network
    if weights is None:
        log.warning("the backbone of '%s' has random weights; give --weights FILE", facts.name)
    if facts.is_random:
        log.warning("the head of '%s' is untrained; give the folder of a trained one", facts.name)
    made: FewShotModel = facts.model_class(backbone=BackboneConfig(backbone, weights))
    return made


def _load_semantic(facts: ModelFacts) -> SemanticModel:
    folder = _require_folder(facts)
    network: SemanticModel = _build(facts, folder)
    if len(folder.class_names) != network.num_classes:
        raise ModelFolderError(
            f"config.json in '{folder.path}' names {len(folder.class_names)} classes",
            f"the network has {network.num_classes}",
            "copy the folder again from its source, or train it again with 'fewscape fit'",
        )
    return network


def _load_pair(facts: ModelFacts) -> DualSource:
    folder = _require_folder(facts)
    try:
        network: DualSource = facts.model_class(DualSourceConfig(**folder.config["arguments"]))
    except Exception as error:  # see _build
        raise _undescribed(folder, DualSource.name, error) from error
    fit_state(network, folder.state(), str(folder.path))
    return network


def _load_pixel(facts: ModelFacts, backbone: str | None, weights: str | None) -> PixelModel[Any]:
    if backbone or weights:
        return _load_with_network(facts.name, backbone, weights)
    if not issubclass(facts.model_class, Ensemble):
        classical: PixelModel[Any] = facts.model_class()
        return classical
    folder = _require_folder(facts)
    try:
        stated = dict(folder.config["arguments"]["backbone"])
        stated["strides"] = tuple(stated["strides"])
        model = facts.model_class(BackboneConfig(**stated))
    except Exception as error:  # a network may raise anything for invalid arguments
        raise _undescribed(folder, Ensemble.name, error) from error
    fit_state(model.deep, folder.state(), str(folder.path))
    return model


def _load_with_network(name: str, backbone: str | None, weights: str | None) -> Ensemble:
    """Load the ensemble with the user's frozen network."""
    if name != Ensemble.name:
        raise ConfigError(
            f"the model '{name}' takes no --backbone or --weights",
            f"expected '{Ensemble.name}', which uses a frozen network",
            "leave them out, or use that model",
        )
    if weights is None:
        raise ConfigError(
            f"the backbone '{backbone}' would have random weights",
            "mapping needs trained weights",
            "give --weights FILE, a hub name (hf-hub:owner/name) or 'imagenet'",
        )
    return Ensemble(BackboneConfig(backbone, weights), has_metric=False)


def _build(facts: ModelFacts, folder: ModelFolder) -> Any:  # noqa: ANN401 (any kind of network)
    """Build a network from its folder."""
    try:
        arguments: dict[str, Any] = dict(folder.config["arguments"])
        stated = dict(arguments.pop("backbone"))
        stated["strides"] = tuple(stated["strides"])
        network = facts.model_class(backbone=BackboneConfig(**stated), **arguments)
    except Exception as error:  # a network may raise anything for invalid arguments
        raise _undescribed(folder, str(facts.model_class.name), error) from error
    fit_state(network, folder.state(), str(folder.path))
    return network


def _refuse_backbone(facts: ModelFacts, backbone: str | None, weights: str | None) -> None:
    if backbone or weights:
        raise ConfigError(
            f"the model folder '{facts.name}' holds its own backbone and weights",
            "",
            "leave out --backbone and --weights",
        )


def _require_folder(facts: ModelFacts) -> ModelFolder:
    if facts.folder is None:
        raise ConfigError(
            f"'{facts.name}' is an untrained network",
            "expected the folder of a trained one",
            f"give --model {facts.class_path or facts.name}@FOLDER ('fewscape fit' writes such "
            "folders)",
        )
    return facts.folder


def _undescribed(folder: ModelFolder, kind: str, error: Exception) -> ModelFolderError:
    return ModelFolderError(
        f"config.json in '{folder.path}' does not describe a '{kind}': {error}",
        "it was modified, or written by another version of fewscape",
        "copy the folder again from its source, or train it again with 'fewscape fit'",
    )
