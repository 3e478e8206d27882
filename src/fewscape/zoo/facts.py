"""``ModelFacts``: what is known about a model before it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from fewscape.core import ConfigError, ModelFolderError, settle_folder, suggest
from fewscape.models import DualSource, FewShotModel, ModelFolder, PixelModel, SemanticModel
from fewscape.zoo.own_networks import (
    import_class,
    list_entry_points,
    load_entry_point,
    split_class_path,
)
from fewscape.zoo.tables import (
    EMBEDDED,
    EMBEDDED_NAMES,
    EMBEDDED_PAIRS,
    MODELS,
    PAIR_MODELS,
    PIXEL_MODELS,
    SEMANTIC_MODELS,
)

ModelKind = Literal["few_shot", "pixel", "semantic", "pair"]

UNTRAINED_WINDOW = 256
"""Default window side of untrained networks."""

BASES: dict[type[object], ModelKind] = {
    FewShotModel: "few_shot",
    PixelModel: "pixel",
    SemanticModel: "semantic",
    DualSource: "pair",
}
"""Kinds of models by base class."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that is found but not built; its folder is opened and hashed once."""

    name: str
    """The requested name, class path or folder path."""
    kind: ModelKind
    """``few_shot`` learns from crops around examples, ``pixel`` from every drawn pixel,
    ``semantic`` is supervised, ``pair`` maps panchromatic and multispectral pairs."""
    model_class: type[Any]
    folder: ModelFolder | None = None
    """The folder of its weights; None for a name without weights."""
    class_path: str | None = None
    """Class path of a user's network."""

    @property
    def title(self) -> str:
        """Name in the tags of a map, without parent folders."""
        if self.class_path is not None:
            return self.class_path
        return self.name if self.folder is None else self.folder.path.name

    @property
    def address(self) -> str:
        """Name with an absolute path, for processes in other folders."""
        if self.folder is None or self.name in EMBEDDED_NAMES:
            return self.name
        place = str(self.folder.path.resolve())
        return place if self.class_path is None else f"{self.class_path}@{place}"

    @property
    def sha256(self) -> str | None:
        """SHA-256 of its weights, hexadecimal; None without a folder."""
        return None if self.folder is None else str(self.folder.config["sha256"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of a supervised network in the order of its logits, otherwise empty."""
        return () if self.folder is None else self.folder.class_names

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...] | None:
        """Colours of these classes, if their data set has any."""
        return None if self.folder is None else self.folder.colours

    @property
    def window(self) -> int:
        """Window side that it was trained on, pixels; a default without a folder."""
        return UNTRAINED_WINDOW if self.folder is None else self.folder.window

    @property
    def bands(self) -> str | Sequence[str] | None:
        """Description of its bands; None without a folder."""
        return self._preprocess.get("bands")

    @property
    def ground_resolution(self) -> float | None:
        """Pixel size of its training images in metres; None if unknown."""
        found = self._preprocess.get("ground_resolution")
        return None if found is None else float(found)

    @property
    def value_ranges(self) -> Mapping[str, Sequence[float]] | None:
        """Value ranges of its training images, with white as 1, see ``ValueRanges.decode``."""
        return self._preprocess.get("values")

    @property
    def is_random(self) -> bool:
        """Whether a part that needs training is untrained."""
        return self.folder is None and getattr(self.model_class, "needs_training", False)

    def require(self, kind: ModelKind) -> None:
        """Check the kind of the model.

        Raises:
            ConfigError: it has another kind; the message says what to do.
        """
        if self.kind != kind:
            raise _explain(self, kind)

    @property
    def _preprocess(self) -> Mapping[str, Any]:
        return {} if self.folder is None else self.folder.preprocess


def _explain(facts: ModelFacts, wanted: ModelKind) -> ConfigError:
    """The error for a model of the wrong kind."""
    name = facts.name
    if wanted == "pixel":
        return ConfigError(f"there is no pixel model '{name}'", "", suggest(name, PIXEL_MODELS))
    if wanted == "semantic":
        return ConfigError(
            f"'{name}' learns its classes from examples",
            f"expected the folder of a fully supervised network: {', '.join(SEMANTIC_MODELS)}",
            "'fewscape fit' with 'task: semantic' trains one",
        )
    if wanted == "pair":
        return ConfigError(
            f"'{name}' is not a network for panchromatic and multispectral pairs",
            f"expected {' or '.join(EMBEDDED_PAIRS.values())}, or the folder of one",
            "'fewscape fit' with 'task: dual_source' trains one",
        )
    if facts.kind == "pixel":
        return ConfigError(
            f"'{name}' is a pixel model: it learns from every drawn pixel, not from crops",
            "expected a few-shot network",
            "map with 'fewscape map', score with 'fewscape compare --scenes'",
        )
    if facts.kind == "pair":
        return ConfigError(
            f"the model folder '{name}' holds a network for panchromatic and multispectral pairs",
            "expected a network for red, green and blue",
            "map with 'fewscape map --pan FILE --ms FILE --model FOLDER'",
        )
    return ConfigError(
        f"the model folder '{name}' holds a supervised network",
        "expected a network that learns from examples",
        "map with 'fewscape map SCENE --model FOLDER', score with 'fewscape evaluate --model "
        "FOLDER --data DIR'",
    )


def find(name: str) -> ModelFacts:
    """Find a model without building it.

    Args:
        name: a name of the tables or of an installed entry point ``fewscape.models``, the path of a
            model folder, or a class path such as ``mypackage.module:Class``, with ``@FOLDER``
            appended for trained weights. A class path runs its module's code, so it must come from
            the user.

    Raises:
        ConfigError: the model does not exist.
        ModelFolderError: the folder is incomplete or was modified.
    """
    check_model(name)
    if name in MODELS or (name in PIXEL_MODELS and name not in EMBEDDED_NAMES):
        model = find_class(name)
        return ModelFacts(name, find_kind(model), model)
    own = None if Path(name).is_dir() else split_class_path(name)
    if own is not None:
        path, place = own
        model = import_class(path)
        folder = None if place is None else ModelFolder.open(place)
        if folder is not None and folder.config.get("model") != getattr(model, "name", None):
            raise ConfigError(
                f"the model folder '{place}' holds a '{folder.config.get('model')}'",
                f"expected a '{getattr(model, 'name', path)}', the name of '{path}'",
                "give the folder of this class",
            )
        return ModelFacts(name, find_kind(model), model, folder, path)
    if name not in EMBEDDED_NAMES and not Path(name).is_dir():
        model = find_class(name)
        return ModelFacts(name, find_kind(model), model)
    folder = open_folder(name)
    model = find_class(str(folder.config.get("model")))
    return ModelFacts(name, find_kind(model), model, folder)


def find_class(name: str) -> type[object]:
    """The class of a name, from the tables or an installed package.

    Raises:
        ConfigError: a model folder has an unknown model.
    """
    tables: Mapping[str, type[object]] = {
        **MODELS,
        **PIXEL_MODELS,
        **SEMANTIC_MODELS,
        **PAIR_MODELS,
    }
    found = tables.get(name) or load_entry_point(name)
    if found is None:
        raise ConfigError(
            f"the folder holds a '{name}'",
            suggest(name, tables),
            "give your own network by its class: --model mypackage.module:Class@FOLDER",
        )
    return found


def find_kind(model: type[object]) -> ModelKind:
    """The kind of a class, by its base class.

    Raises:
        ConfigError: it has none of the base classes.
    """
    for base, kind in BASES.items():
        if issubclass(model, base):
            return kind
    raise ConfigError(
        f"the class '{model.__module__}:{model.__qualname__}' is not a model",
        f"expected a subclass of {', '.join(base.__name__ for base in BASES)}",
        "see docs/how_to/own_network.md",
    )


def check_model(name: str) -> None:
    """Check before the work starts that a model exists.

    Raises:
        ConfigError: it does not.
    """
    known = {*MODELS, *PIXEL_MODELS, *EMBEDDED_NAMES}
    if name not in known:
        with suppress(OSError):  # settle a folder whose replacement was killed
            settle_folder(Path(name))
    if name in known or Path(name).is_dir() or split_class_path(name):
        return
    known |= set(list_entry_points())
    if name not in known:
        raise ConfigError(
            f"'{name}' is neither a model nor a model folder", "", suggest(name, known)
        )


def embedded_folder(name: str = EMBEDDED) -> Path:
    """The model folder inside the package."""
    return Path(str(resources.files("fewscape") / "assets" / name))


def open_folder(name: str) -> ModelFolder:
    """Open the folder of a packaged model, or of a path.

    Raises:
        ModelFolderError: it is missing, incomplete or modified, or the name is of a model without a
            folder.
    """
    is_embedded = name in EMBEDDED_NAMES
    path = embedded_folder(name) if is_embedded else Path(name)
    if is_embedded and not path.is_dir():
        made = f"'fewscape fit --config {name.rstrip('24')}'"
        raise ModelFolderError(
            f"the model '{name}' is missing from this installation",
            f"expected it in '{path}'",
            "reinstall fewscape, or make it with "
            f"{'recipes/ensemble.py' if name in PIXEL_MODELS else made} and give its folder "
            "with --model",
        )
    if name in (*MODELS, *PIXEL_MODELS) and not path.exists():
        kind = "network" if name in MODELS else "model"
        raise ModelFolderError(
            f"'{name}' is a {kind} without a folder",
            f"expected {', '.join(EMBEDDED_NAMES)} or the path of a model folder",
            "'fewscape fit' writes such folders",
        )
    return ModelFolder.open(path)
