"""``evaluate`` and ``reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewscape import zoo
from fewscape.api.staging import LogReporter
from fewscape.core import Policy
from fewscape.core.policy import Precision
from fewscape.datasets import Manifest
from fewscape.evaluation import evaluate as score_network
from fewscape.regions import open_regions
from fewscape.request import Reporter
from fewscape.request.record import GivenFiles
from fewscape.request.reproduction import Reproduction
from fewscape.request.reproduction import reproduce as map_again
from fewscape.zoo import LoadedModel


def evaluate(
    model: str | LoadedModel,
    episodes: Path | str | Manifest,
    root: Path | str,
    *,
    backbone: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    batch_size: int = 8,
) -> dict[str, Any]:
    """Score a few-shot network on the episodes of a manifest.

    Args:
        model: name, model folder, class path, or the result of ``load``.
        episodes: path of a manifest, see ``fewscape episodes make``.
        root: folder that the manifest's paths are relative to.
        backbone: backbone of a network given by name.
        weights: weights of that backbone.
        device: auto, cpu or cuda.
        precision: auto, float32 or bfloat16.
        batch_size: episodes per batch.

    Returns:
        ``miou``, ``miou_ci95``, ``per_class`` and more, as ``fewscape evaluate`` writes them.

    Raises:
        ConfigError: the model is not a few-shot network.
        ManifestError: the manifest does not fit the data.
    """
    loaded = zoo.load(model, backbone, weights) if isinstance(model, str) else model
    network = loaded.few_shot
    return score_network(
        network,
        episodes if isinstance(episodes, Manifest) else Manifest.load(episodes),
        root,
        model_name=loaded.facts.name,
        policy=Policy.choose(device, precision),
        regions=open_regions(network.region_method, network.region_options),
        batch_size=batch_size,
    )


def reproduce(
    path: Path | str,
    *,
    scene: Path | str | None = None,
    pan: Path | str | None = None,
    ms: Path | str | None = None,
    examples: Path | str | None = None,
    example_scene: Path | str | None = None,
    model: str | None = None,
    weights: Path | str | None = None,
    device: str | None = None,
    reporter: Reporter | None = None,
) -> Reproduction:
    """Remake a map from its metadata and compare the pixels.

    Args:
        path: a raster of a map.
        scene: the mapped raster. Inputs that are not given are looked for beside the map and in the
            current folder.
        pan: the panchromatic raster of a pair.
        ms: the multispectral raster of a pair.
        examples: examples that the model learned from.
        example_scene: scene that the examples were drawn on.
        model: model folder, or a class path that you trust.
        weights: backbone weights of a network given by name.
        device: auto, cpu or cuda; the device of the map if not given.
        reporter: receives progress and warnings; warnings are logged if not given.

    Returns:
        The comparison: print it to see what differs; ``is_same`` is true if nothing does.

    Raises:
        ConfigError: an input is not found, or is not the one that the map was made from.
    """
    given = GivenFiles(
        scene=scene,
        pan=pan,
        ms=ms,
        examples=examples,
        example_scene=example_scene,
        model=model,
        weights=weights,
    )
    return map_again(path, given, device, reporter or LogReporter())
