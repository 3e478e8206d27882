"""The one table from name to model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import ConfigError, ModelFolderError, settle_folder, suggest
from fewscape.models import (
    MGCL,
    BiCoRFewShot,
    BiCoRSeg,
    DensityRatio,
    Discriminant,
    DSMFNet,
    DualSource,
    DualSourceConfig,
    Ensemble,
    FewShotModel,
    HSNet,
    ICPDNet,
    MaximumLikelihood,
    ModelFolder,
    Network,
    PFENet,
    PixelModel,
    PixelTrees,
    Prototype,
    RandomForest,
    SemanticModel,
)

__all__ = [
    "DEFAULT",
    "EMBEDDED",
    "EMBEDDED_NAMES",
    "EMBEDDED_PAIRS",
    "MODELS",
    "PAIR_MODELS",
    "PIXEL_MODELS",
    "SEMANTIC_MODELS",
    "TRAINING_FREE",
    "check_model",
    "embedded_folder",
    "is_pixel",
    "is_semantic",
    "load_model",
    "load_pair_model",
    "load_pixel_model",
    "load_semantic",
    "open_folder",
]

log = logging.getLogger(__name__)

NetworkT = TypeVar("NetworkT", bound=Network)

MODELS: dict[str, type[FewShotModel]] = {
    BiCoRFewShot.name: BiCoRFewShot,
    DensityRatio.name: DensityRatio,
    Discriminant.name: Discriminant,
    DSMFNet.name: DSMFNet,
    HSNet.name: HSNet,
    ICPDNet.name: ICPDNet,
    MGCL.name: MGCL,
    PFENet.name: PFENet,
    Prototype.name: Prototype,
}
"""Few-shot networks by name."""

TRAINING_FREE = (DensityRatio.name, Discriminant.name, Prototype.name)
"""Those of them that have nothing to train beyond a pretrained backbone."""

PIXEL_MODELS: dict[str, type[PixelModel[Any]]] = {
    Ensemble.name: Ensemble,
    MaximumLikelihood.name: MaximumLikelihood,
    PixelTrees.name: PixelTrees,
    RandomForest.name: RandomForest,
}
"""Models that learn from every drawn pixel of a scene, by name."""

SEMANTIC_MODELS: dict[str, type[SemanticModel]] = {BiCoRSeg.name: BiCoRSeg}
"""Fully supervised networks by name; they come from model folders only."""

PAIR_MODELS: dict[str, type[DualSource]] = {DualSource.name: DualSource}
"""Few-shot networks for panchromatic and multispectral pairs; they come from model folders only."""

EMBEDDED = "embedded"
"""The small trained network that comes with the package and learns from crops."""

DEFAULT = Ensemble.name
"""What maps a scene if no model is named."""

EMBEDDED_PAIRS = {2: "embedded_pair2", 4: "embedded_pair4"}
"""Those for panchromatic and multispectral pairs, by the ratio of their pixels."""

EMBEDDED_NAMES = (EMBEDDED, Ensemble.name, *EMBEDDED_PAIRS.values())
"""All models whose weights come with the package."""


def embedded_folder(name: str = EMBEDDED) -> Path:
    """The model folder inside the package."""
    return Path(str(resources.files("fewscape") / "assets" / name))


def load_model(name: str, backbone: str | None = None, weights: str | None = None) -> FewShotModel:
    """A network in evaluation mode, by name or from a model folder.

    Args:
        name: ``embedded``, the path of a model folder, or a name in ``MODELS``; the latter has
            no trained parameters of its own.
        backbone: for a name in ``MODELS``: its backbone, see ``make_backbone``; what the weights'
            metadata name if not given.
        weights: for a name in ``MODELS``: the backbone's weights.

    Raises:
        ConfigError: unknown name, or backbone and weights given for a model folder.
        ModelFolderError: the folder is incomplete or altered.
    """
    if name in MODELS:
        if weights is None:
            log.warning("the backbone of '%s' has random weights; give --weights FILE", name)
        if name not in TRAINING_FREE:
            log.warning("the head of '%s' is untrained; give the folder of a trained one", name)
        return MODELS[name](backbone=BackboneConfig(backbone, weights)).eval()
    if is_pixel(name):
        raise ConfigError(
            f"'{name}' maps scenes: it learns from every drawn pixel of one, not from crops",
            "expected a network that learns from crops",
            "map with it by 'fewscape map', score it by 'fewscape compare --scenes'",
        )
    folder = open_folder(name)
    if backbone or weights:
        raise ConfigError(
            f"the model folder '{name}' holds its own backbone and weights",
            "",
            "leave out --backbone and --weights",
        )
    if folder.config.get("model") in PAIR_MODELS:
        raise ConfigError(
            f"the model folder '{name}' holds a network for panchromatic and multispectral pairs",
            "expected a network that sees red, green and blue",
            "map with it by 'fewscape map --pan FILE --ms FILE --model FOLDER'",
        )
    if folder.config.get("model") in SEMANTIC_MODELS:
        raise ConfigError(
            f"the model folder '{name}' holds a network that knows its classes",
            "expected a network that learns from examples",
            "map with it by 'fewscape map SCENE --model FOLDER', score it by "
            "'fewscape evaluate --model FOLDER --data DIR'",
        )
    return _from_folder(folder, MODELS)


def load_semantic(name: str) -> tuple[SemanticModel, ModelFolder]:
    """A fully supervised network in evaluation mode, and its folder, which knows the classes.

    Args:
        name: path of a model folder.

    Raises:
        ConfigError: there is no such folder, or it holds a few-shot network.
        ModelFolderError: the folder is incomplete or altered.
    """
    if not is_semantic(name):
        raise ConfigError(
            f"'{name}' learns its classes from examples",
            f"expected the folder of a fully supervised network: {', '.join(SEMANTIC_MODELS)}",
            "'fewscape fit' with 'task: semantic' trains one",
        )
    folder = open_folder(name)
    model = _from_folder(folder, SEMANTIC_MODELS)
    if len(folder.class_names) != model.num_classes:
        raise ModelFolderError(
            f"config.json in '{folder.path}' names {len(folder.class_names)} classes",
            f"the network has {model.num_classes}",
            "copy the folder again from its source, or train it again with 'fewscape fit'",
        )
    return model, folder


def load_pair_model(name: str) -> tuple[DualSource, ModelFolder]:
    """A network for panchromatic and multispectral pairs in evaluation mode, and its folder.

    Args:
        name: one of ``EMBEDDED_PAIRS`` or the path of a model folder.

    Raises:
        ConfigError: there is no such folder, or it holds another kind of network.
        ModelFolderError: the folder is incomplete or altered.
    """
    check_model(name)
    if name in (*MODELS, *PIXEL_MODELS) or open_folder(name).config.get("model") not in PAIR_MODELS:
        raise ConfigError(
            f"'{name}' is no network for panchromatic and multispectral pairs",
            f"expected {' or '.join(EMBEDDED_PAIRS.values())}, or the folder of one",
            "'fewscape fit' with 'task: dual_source' trains one",
        )
    folder = open_folder(name)
    try:
        model = DualSource(DualSourceConfig(**folder.config["arguments"]))
    except Exception as error:  # whatever a network says of arguments that it cannot have
        raise _undescribed(folder, DualSource.name, error) from error
    fit_state(model, folder.state(), str(folder.path))
    return model.eval(), folder


def load_pixel_model(
    name: str, backbone: str | None = None, weights: str | None = None
) -> PixelModel[Any]:
    """A model that learns from every drawn pixel of a scene.

    Args:
        name: one of ``PIXEL_MODELS``, or the path of a model folder of one.
        backbone: for ``ensemble``: another frozen network, see ``make_backbone``; what the weights'
            metadata name if not given.
        weights: of that network; needed with it.

    Raises:
        ConfigError: unknown name, another kind of model, or a network for a model that has none.
        ModelFolderError: the weights are missing or were altered.
    """
    if not is_pixel(name):
        raise ConfigError(f"there is no pixel model '{name}'", "", suggest(name, PIXEL_MODELS))
    if backbone or weights:
        return _load_with_network(name, backbone, weights)
    if name in PIXEL_MODELS and name not in EMBEDDED_NAMES:
        return PIXEL_MODELS[name]()
    folder = open_folder(name)
    try:
        stated = dict(folder.config["arguments"]["backbone"])
        stated["strides"] = tuple(stated["strides"])
        model = Ensemble(BackboneConfig(**stated))
    except Exception as error:  # see above
        raise _undescribed(folder, Ensemble.name, error) from error
    fit_state(model.deep, folder.state(), str(folder.path))
    return model


def _load_with_network(name: str, backbone: str | None, weights: str | None) -> Ensemble:
    """The ensemble with a frozen network of the user's."""
    if name != Ensemble.name:
        raise ConfigError(
            f"the model '{name}' takes no --backbone or --weights",
            f"expected '{Ensemble.name}', which sees with a frozen network",
            "leave them out, or choose that model",
        )
    if weights is None:
        raise ConfigError(
            f"the backbone '{backbone}' would have random weights",
            "maps need trained ones",
            "give --weights FILE, a hub name (hf-hub:owner/name) or 'imagenet'",
        )
    return Ensemble(BackboneConfig(backbone, weights), is_informed=False)


def is_pixel(name: str) -> bool:
    """Whether a name is that of a model that learns from every drawn pixel of a scene.

    Raises:
        ConfigError: it is neither a model nor a folder.
        ModelFolderError: the folder is incomplete or altered.
    """
    check_model(name)
    if name in (*MODELS, *PIXEL_MODELS):
        return name in PIXEL_MODELS
    return open_folder(name).config.get("model") in PIXEL_MODELS


def is_semantic(name: str) -> bool:
    """Whether a name is that of a folder with a fully supervised network.

    Raises:
        ConfigError: it is neither a network nor a folder.
        ModelFolderError: the folder is incomplete or altered.
    """
    check_model(name)
    return (
        name not in (*MODELS, *PIXEL_MODELS)
        and open_folder(name).config.get("model") in SEMANTIC_MODELS
    )


def check_model(name: str) -> None:
    """See before the work starts that there is such a network or such a folder.

    Raises:
        ConfigError: there is neither.
    """
    if name in (*MODELS, *PIXEL_MODELS, *EMBEDDED_NAMES):
        return
    with suppress(OSError):  # a folder that was being replaced when its process was killed
        settle_folder(Path(name))
    if not Path(name).is_dir():
        raise ConfigError(
            f"'{name}' is neither a model nor a model folder",
            "",
            suggest(name, [*MODELS, *PIXEL_MODELS, *EMBEDDED_NAMES]),
        )


def open_folder(name: str) -> ModelFolder:
    """The folder of a model that comes with the package, or of a path.

    Raises:
        ModelFolderError: it is missing, incomplete or altered, or the name is that of a model that
            has no folder.
    """
    is_embedded = name in EMBEDDED_NAMES
    path = embedded_folder(name) if is_embedded else Path(name)
    if is_embedded and not path.is_dir():
        made = f"'fewscape fit --config configs/{name.rstrip('24')}.yaml'"
        raise ModelFolderError(
            f"the model '{name}' is missing from this installation",
            f"expected it in '{path}'",
            "install fewscape again, or make it with "
            f"{'recipes/ensemble.py' if name == Ensemble.name else made} and give its folder with "
            "--model",
        )
    if name in (*MODELS, *PIXEL_MODELS) and not path.exists():
        kind = "network" if name in MODELS else "model"
        raise ModelFolderError(
            f"'{name}' is a {kind} without a folder",
            f"expected {', '.join(EMBEDDED_NAMES)} or the path of a model folder",
            "'fewscape fit' writes such folders",
        )
    return ModelFolder.open(path)


def _from_folder(folder: ModelFolder, models: Mapping[str, type[NetworkT]]) -> NetworkT:
    kind = str(folder.config.get("model"))
    if kind not in models:
        known = [*MODELS, *SEMANTIC_MODELS]
        raise ConfigError(f"the folder holds a '{kind}'", "", suggest(kind, known))
    try:
        arguments: dict[str, Any] = dict(folder.config["arguments"])
        stated = dict(arguments.pop("backbone"))
        stated["strides"] = tuple(stated["strides"])
        model = models[kind](backbone=BackboneConfig(**stated), **arguments)
    except Exception as error:  # see above
        raise _undescribed(folder, kind, error) from error
    fit_state(model, folder.state(), str(folder.path))
    return model.eval()


def _undescribed(folder: ModelFolder, kind: str, error: Exception) -> ModelFolderError:
    return ModelFolderError(
        f"config.json in '{folder.path}' does not describe a '{kind}': {error}",
        "it was altered, or written by another version of fewscape",
        "copy the folder again from its source, or train it again with 'fewscape fit'",
    )
