"""What is known of a model before it is built: its kind, its folder, what it was trained on."""

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
"""Window side for networks that were not trained on one."""

BASES: dict[type[object], ModelKind] = {
    FewShotModel: "few_shot",
    PixelModel: "pixel",
    SemanticModel: "semantic",
    DualSource: "pair",
}
"""Kinds of models by the class that they derive from."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model by name, its folder opened and hashed once; nothing is built yet."""

    name: str
    """As it was asked for: a name, a class path, or the path of a folder."""
    kind: ModelKind
    """``few_shot`` learns from crops around examples, ``pixel`` from every drawn pixel,
    ``semantic`` knows its classes, ``pair`` takes panchromatic and multispectral pairs."""
    model_class: type[Any]
    folder: ModelFolder | None = None
    """Where its weights come from; None for a name without weights of its own."""
    class_path: str | None = None
    """Of a network of one's own that was named by the path of its class."""

    @property
    def title(self) -> str:
        """What the tags of a map call it: the name, without the folders above its own."""
        if self.class_path is not None:
            return self.class_path
        return self.name if self.folder is None else self.folder.path.name

    @property
    def address(self) -> str:
        """The name for processes that run in other folders: with the folder's whole path."""
        if self.folder is None or self.name in EMBEDDED_NAMES:
            return self.name
        place = str(self.folder.path.resolve())
        return place if self.class_path is None else f"{self.class_path}@{place}"

    @property
    def sha256(self) -> str | None:
        """Of its weights, hexadecimal; None without a folder."""
        return None if self.folder is None else str(self.folder.config["sha256"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of a supervised network, in the order of its logits; else none."""
        return () if self.folder is None else self.folder.class_names

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...] | None:
        """To draw these classes with, where their data set says it."""
        return None if self.folder is None else self.folder.colours

    @property
    def window(self) -> int:
        """Side in pixels of the windows that it was trained on; without a folder, a usual one."""
        return UNTRAINED_WINDOW if self.folder is None else self.folder.window

    @property
    def bands(self) -> str | Sequence[str] | None:
        """What it takes for its bands, in words; None without a folder."""
        return self._preprocess.get("bands")

    @property
    def ground_resolution(self) -> float | None:
        """Metres a pixel of the images that it was trained on; None if that is not known."""
        found = self._preprocess.get("ground_resolution")
        return None if found is None else float(found)

    @property
    def value_ranges(self) -> Mapping[str, Sequence[float]] | None:
        """Values of those images as shares of white, see ``ValueRanges.decode``."""
        return self._preprocess.get("values")

    @property
    def is_random(self) -> bool:
        """Whether a part of it that has to be trained is not."""
        return self.folder is None and getattr(self.model_class, "needs_training", False)

    def require(self, kind: ModelKind) -> None:
        """See that the model is of a kind.

        Raises:
            ConfigError: it is of another one; says what to do.
        """
        if self.kind != kind:
            raise _explain(self, kind)

    @property
    def _preprocess(self) -> Mapping[str, Any]:
        return {} if self.folder is None else self.folder.preprocess


def _explain(facts: ModelFacts, wanted: ModelKind) -> ConfigError:
    """Why a model is not of the kind that is wanted, and what to do."""
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
            f"'{name}' is no network for panchromatic and multispectral pairs",
            f"expected {' or '.join(EMBEDDED_PAIRS.values())}, or the folder of one",
            "'fewscape fit' with 'task: dual_source' trains one",
        )
    if facts.kind == "pixel":
        return ConfigError(
            f"'{name}' maps scenes: it learns from every drawn pixel of one, not from crops",
            "expected a network that learns from crops",
            "map with it by 'fewscape map', score it by 'fewscape compare --scenes'",
        )
    if facts.kind == "pair":
        return ConfigError(
            f"the model folder '{name}' holds a network for panchromatic and multispectral pairs",
            "expected a network that sees red, green and blue",
            "map with it by 'fewscape map --pan FILE --ms FILE --model FOLDER'",
        )
    return ConfigError(
        f"the model folder '{name}' holds a network that knows its classes",
        "expected a network that learns from examples",
        "map with it by 'fewscape map SCENE --model FOLDER', score it by "
        "'fewscape evaluate --model FOLDER --data DIR'",
    )


def find(name: str) -> ModelFacts:
    """What is known of a model.

    Args:
        name: a name of the tables or of an installed entry point ``fewscape.models``, the path of
            a model folder, or the path of a class such as ``mypackage.module:Class``, with
            ``@FOLDER`` behind it for trained weights. A class path runs its module's code, so it
            must come from whoever runs the program.

    Raises:
        ConfigError: there is no such model.
        ModelFolderError: the folder is incomplete or altered.
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
                f"expected a '{getattr(model, 'name', path)}', as '{path}' calls itself",
                "give the folder that this class was stored in",
            )
        return ModelFacts(name, find_kind(model), model, folder, path)
    if name not in EMBEDDED_NAMES and not Path(name).is_dir():
        model = find_class(name)
        return ModelFacts(name, find_kind(model), model)
    folder = open_folder(name)
    model = find_class(str(folder.config.get("model")))
    return ModelFacts(name, find_kind(model), model, folder)


def find_class(name: str) -> type[object]:
    """The class of a name: of the tables, or what an installed package brings.

    Raises:
        ConfigError: a model folder holds what nobody knows.
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
            "a network of your own is named by its class: --model mypackage.module:Class@FOLDER",
        )
    return found


def find_kind(model: type[object]) -> ModelKind:
    """By the contract that a class fulfils.

    Raises:
        ConfigError: it fulfils none.
    """
    for base, kind in BASES.items():
        if issubclass(model, base):
            return kind
    raise ConfigError(
        f"the class '{model.__module__}:{model.__qualname__}' is no model",
        f"expected a child of {', '.join(base.__name__ for base in BASES)}",
        "see docs/how_to/own_network.md",
    )


def check_model(name: str) -> None:
    """See before the work starts that there is such a network or such a folder.

    Raises:
        ConfigError: there is neither.
    """
    known = {*MODELS, *PIXEL_MODELS, *EMBEDDED_NAMES}
    if name not in known:
        with suppress(OSError):  # a folder that was being replaced when its process was killed
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
    """The folder of a model that comes with the package, or of a path.

    Raises:
        ModelFolderError: it is missing, incomplete or altered, or the name is that of a model that
            has no folder.
    """
    is_embedded = name in EMBEDDED_NAMES
    path = embedded_folder(name) if is_embedded else Path(name)
    if is_embedded and not path.is_dir():
        made = f"'fewscape fit --config {name.rstrip('24')}'"
        raise ModelFolderError(
            f"the model '{name}' is missing from this installation",
            f"expected it in '{path}'",
            "install fewscape again, or make it with "
            f"{'recipes/ensemble.py' if name in PIXEL_MODELS else made} and give its folder with "
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
