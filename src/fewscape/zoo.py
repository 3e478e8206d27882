"""The one table from name to model."""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path
from typing import Any

from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import ConfigError, ModelFolderError, suggest
from fewscape.models import (
    MGCL,
    DSMFNet,
    FewShotModel,
    HSNet,
    ICPDNet,
    ModelFolder,
    PFENet,
    Prototype,
)

__all__ = [
    "EMBEDDED",
    "MODELS",
    "check_model",
    "embedded_folder",
    "load_model",
    "open_folder",
]

log = logging.getLogger(__name__)

MODELS: dict[str, type[FewShotModel]] = {
    DSMFNet.name: DSMFNet,
    HSNet.name: HSNet,
    ICPDNet.name: ICPDNet,
    MGCL.name: MGCL,
    PFENet.name: PFENet,
    Prototype.name: Prototype,
}
"""Networks by name."""

EMBEDDED = "embedded"
"""The small trained network that comes with the package."""


def embedded_folder() -> Path:
    """The model folder inside the package."""
    return Path(str(resources.files("fewscape") / "assets" / EMBEDDED))


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
        if name != Prototype.name:
            log.warning("the head of '%s' is untrained; give the folder of a trained one", name)
        return MODELS[name](backbone=BackboneConfig(backbone, weights)).eval()
    check_model(name)
    folder = open_folder(name)
    if backbone or weights:
        raise ConfigError(
            f"the model folder '{name}' holds its own backbone and weights",
            "",
            "leave out --backbone and --weights",
        )
    return _from_folder(folder)


def check_model(name: str) -> None:
    """See before the work starts that there is such a network or such a folder.

    Raises:
        ConfigError: there is neither.
    """
    if name not in (*MODELS, EMBEDDED) and not Path(name).is_dir():
        raise ConfigError(
            f"'{name}' is neither a model nor a model folder",
            "",
            suggest(name, [*MODELS, EMBEDDED]),
        )


def open_folder(name: str) -> ModelFolder:
    """The folder of ``embedded``, or of a path.

    Raises:
        ModelFolderError: it is missing, incomplete or altered, or the name is that of a network,
            which has no folder.
    """
    if name == EMBEDDED and not embedded_folder().is_dir():
        raise ModelFolderError(
            "the embedded model is missing from this installation",
            f"expected it in '{embedded_folder()}'",
            "install fewscape again, or train it with 'fewscape fit --config "
            "configs/embedded.yaml' and give its folder with --model",
        )
    path = embedded_folder() if name == EMBEDDED else Path(name)
    if name in MODELS and not path.exists():
        raise ModelFolderError(
            f"'{name}' is a network without a folder",
            f"expected '{EMBEDDED}' or the path of a model folder",
            "'fewscape fit' writes such folders",
        )
    return ModelFolder.open(path)


def _from_folder(folder: ModelFolder) -> FewShotModel:
    kind = folder.config.get("model")
    if kind not in MODELS:
        raise ConfigError(f"the folder holds a '{kind}'", "", suggest(str(kind), MODELS))
    try:
        arguments: dict[str, Any] = dict(folder.config["arguments"])
        stated = dict(arguments.pop("backbone"))
        stated["strides"] = tuple(stated["strides"])
        model = MODELS[kind](backbone=BackboneConfig(**stated), **arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(
            f"config.json in '{folder.path}' does not describe a '{kind}': {error}",
            "it was altered, or written by another version of fewscape",
            "copy the folder again from its source, or train it again with 'fewscape fit'",
        ) from error
    fit_state(model, folder.state(), str(folder.path))
    return model.eval()
