"""Scores of the dual source network on labelled pairs (docs/methods/dual_source.md#scores)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import DatasetError, Policy
from fewscape.datasets.pan_ms import LabelledPair, split_blocks
from fewscape.evaluation.pixels import evaluate_pixels
from fewscape.mapping import PairScene, describe_pixels
from fewscape.models.dual_source import DualSource
from fewscape.raster import PanMsArrays

Split = Literal["given", "random", "blocks"]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PairProtocol:
    """The choice of supports and test pixels.

    Attributes:
        split: ``given`` uses the data set's training and test areas, ``random`` single pixels,
            ``blocks`` squares with a gap between them. Random pixels leak, since the windows of
            neighbours overlap.
        shots: supports per class.
        draws: random draws of the supports.
        classes: only these labels, for example unseen ones; all if empty.
        block: side of the blocks, multispectral pixels.
        gap: gap between blocks of supports and test, multispectral pixels.
        test_share: share of test pixels per class, unless the split is given.
        seed: random seed of the split and the draws.
    """

    split: Split = "blocks"
    shots: int = 5
    draws: int = 10
    classes: Sequence[int] = ()
    block: int = 64
    gap: int = 16
    test_share: float = 0.5
    seed: int = 0


def evaluate_pair(
    model: DualSource,
    pair: LabelledPair,
    protocol: PairProtocol,
    policy: Policy,
    supports: LabelledPair | None = None,
) -> dict[str, Any]:
    """Score a network on one pair, with supports from it or from another one.

    Args:
        model: the network.
        pair: the pair to classify.
        protocol: see ``PairProtocol``; with ``supports``, all labelled pixels are test pixels.
        policy: device.
        supports: another pair to draw all supports from.

    Returns:
        See ``evaluate_pixels``; also ``pair``, ``split`` and the numbers of pixels.

    Raises:
        DatasetError: labels or the given split are missing, or a class has too few pixels.
    """
    if supports is None:
        shown, hidden = _split(pair, protocol)
        support_rows, support_labels = _describe(model, pair, shown, policy)
    else:
        hidden = _labels(pair, protocol) > 0
        shown = _labels(supports, protocol) > 0
        support_rows, support_labels = _describe(model, supports, shown, policy)
    test_rows, test_labels = _describe(model, pair, hidden, policy)
    scores = evaluate_pixels(
        support_rows,
        support_labels,
        test_rows,
        test_labels,
        protocol.shots,
        model.config.temperature,
        protocol.draws,
        protocol.seed,
    )
    origin = pair.name if supports is None else supports.name
    told = {"pair": pair.name, "supports": origin}
    told["split"] = protocol.split if supports is None else "other scene"
    return told | {"test_pixels": len(test_labels)} | scores


def _labels(pair: LabelledPair, protocol: PairProtocol) -> npt.NDArray[np.uint8]:
    if pair.labels is None:
        raise DatasetError(
            f"the pair '{pair.name}' has no labels",
            "scores need some",
            "add label.npy beside the rasters, or 'labels' to the .npz file",
        )
    if not protocol.classes:
        return pair.labels
    return np.where(np.isin(pair.labels, protocol.classes), pair.labels, 0).astype(np.uint8)


def _split(pair: LabelledPair, protocol: PairProtocol) -> tuple[Mask, Mask]:
    """Masks (h, w) of support and test pixels."""
    labels = _labels(pair, protocol)
    labelled = labels > 0
    rng = np.random.default_rng(protocol.seed)
    match protocol.split:
        case "given":
            if pair.train is None or pair.test is None:
                raise DatasetError(
                    f"the pair '{pair.name}' has no training and test areas",
                    "expected train.npy and test.npy beside the rasters",
                    "split it by blocks or at random",
                )
            return pair.train & labelled, pair.test & labelled
        case "random":
            is_test = rng.random(labels.shape) < protocol.test_share
            return labelled & ~is_test, labelled & is_test
        case "blocks":
            shown, hidden = split_blocks(
                labels, protocol.block, protocol.test_share, rng, protocol.gap
            )
            return shown & labelled, hidden & labelled


def _describe(
    model: DualSource, pair: LabelledPair, ground: Mask, policy: Policy
) -> tuple[torch.Tensor, torch.Tensor]:
    """Descriptors and labels of a mask's pixels, by the code that maps pairs."""
    assert pair.labels is not None, "looked up before"
    scene = PairScene(PanMsArrays(f"'{pair.name}'", pair.pair, pair.valid), model, policy)
    pixels = np.argwhere(ground)
    labels = torch.from_numpy(pair.labels[ground].astype(np.int64))
    return describe_pixels(scene, pixels), labels.to(policy.device)
