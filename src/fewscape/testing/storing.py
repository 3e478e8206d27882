"""Save and load models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewscape import zoo
from fewscape.models import save_model
from fewscape.zoo import LoadedModel
from fewscape.zoo.tables import MODELS, SEMANTIC_MODELS


def store_and_load(model: Any, folder: Path, window: int, **facts: Any) -> LoadedModel:  # noqa: ANN401
    """Save a model and load it again; a third-party model is loaded by its class path.

    Args:
        model: a network.
        folder: folder to save it in.
        window: window side.
        facts: entries of ``config.json``.
    """
    kind = type(model)
    save_model(model, folder, "# card\n", window, facts=facts)
    if {**MODELS, **SEMANTIC_MODELS}.get(kind.name) is kind:
        return zoo.load(str(folder))
    return zoo.load(f"{kind.__module__}:{kind.__qualname__}@{folder}")
