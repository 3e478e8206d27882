"""Scores of networks, and maps made again."""

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
        model: name, model folder or class path, or what ``load`` gave.
        episodes: a manifest, see ``fewscape episodes make``.
        root: folder that its paths are relative to.
        backbone: of a network given by name.
        weights: of that backbone.
        device: auto, cpu or cuda.
        precision: auto, float32 or bfloat16.
        batch_size: episodes at a time.

    Returns:
        ``miou``, ``miou_ci95``, ``per_class`` and more, as ``fewscape evaluate`` writes them.

    Raises:
        ConfigError: the model learns from no episodes.
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
    """Make a map again from what its file tells, and compare the pixels.

    Args:
        path: a raster of a map.
        scene: the raster that was mapped. Like all of the following, it is looked for beside the
            map and in the current folder if not given.
        pan: the panchromatic raster of a pair.
        ms: the multispectral raster of a pair.
        examples: that taught the model.
        example_scene: of the examples.
        model: the model's folder, or a class path that you trust.
        weights: of the backbone of a network given by name.
        device: auto, cpu or cuda; as when the map was made if not given.
        reporter: hears of what happens; warnings are logged if not given.

    Returns:
        Printed, it says what differs; ``is_same`` tells whether nothing does.

    Raises:
        ConfigError: a file is not found, or is not the one that the map was made from.
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
