"""Model folders by the names that the commands take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewscape.models import ModelFolder


def open_model_folder(name: str) -> ModelFolder:
    """The folder of ``embedded``, or of a path.

    Raises:
        ModelFolderError: it is missing, incomplete or altered, or the name is that of a network,
            which has no folder.
    """
    from fewscape.core import ModelFolderError
    from fewscape.models import ModelFolder
    from fewscape.zoo import EMBEDDED, MODELS, embedded_folder

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
