"""Panchromatic and multispectral pairs for training, from folders or synthesised."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, DatasetError, Window
from fewscape.datasets.pan_ms import (
    EpisodeOptions,
    LabelledPair,
    PairScale,
    PixelScene,
    cluster_pixels,
    find_pairs,
    make_varied_pair,
    read_pair,
)
from fewscape.raster import PanMsPair
from fewscape.regions import segment_pan
from fewscape.training.dual_source import VAL_SHOTS
from fewscape.training.scene_episodes import SceneData, SceneEpisodes

MIN_CHIP = 32
"""Minimum side of a chip, multispectral pixels."""
VAL_SEEDS = 1_000_000
"""First random seed of the synthetic scenes for validation."""

log = logging.getLogger(__name__)


class PairData(SceneData):
    """Chips of pairs, labelled or clustered, and synthetic scenes.

    Chips do not overlap and are encoded separately, so no window spans two chips. Whole pairs are
    used for validation if there are several, otherwise some chips. Pixels in ``test.npy`` are never
    used.

    Args:
        folder: folder of pairs, see ``find_pairs``.
        synthetic_scenes: number of additional synthetic scenes, each with its own classes.
        ratio: panchromatic pixels per multispectral one; pairs of another ratio are refused.
        ms_bands: blue, green, red and near-infrared bands of the files, from 1.
        chip: side of chips and synthetic scenes, multispectral pixels.
        pseudo_classes: number of clusters used as classes of pairs without labels.
        val_share: share of pairs or chips for validation.
        sampling: options of episode sampling.
        steps: steps per epoch.
        per_step: episodes per step.
        seed: random seed.
    """

    def __init__(
        self,
        folder: str | None = None,
        synthetic_scenes: int = 0,
        ratio: int = 4,
        ms_bands: tuple[int, ...] = (1, 2, 3, 4),
        chip: int = 96,
        pseudo_classes: int = 8,
        val_share: float = 0.2,
        sampling: EpisodeOptions | None = None,
        steps: int = 20,
        per_step: int = 4,
        seed: int = 0,
    ) -> None:
        if chip < MIN_CHIP or not 0 < val_share < 1 or not (folder or synthetic_scenes):
            raise ConfigError(
                f"data.folder {folder}, data.synthetic_scenes {synthetic_scenes}, data.chip "
                f"{chip}, data.val_share {val_share} give nothing to train on",
                f"expected a folder or synthetic scenes, chips of at least {MIN_CHIP} pixels and a "
                "share between 0 and 1",
            )
        self.folder = folder
        self.synthetic_scenes = synthetic_scenes
        self.seed = seed
        self.image_size = chip
        rng = np.random.default_rng(seed)
        train, val = [], []
        if synthetic_scenes:
            count = max(1, round(val_share * synthetic_scenes))
            train += [_synthesise(chip, seed + n, ratio) for n in range(synthetic_scenes)]
            val += [_synthesise(chip, VAL_SEEDS + seed + n, ratio) for n in range(count)]
        if folder:
            pairs = [read_pair(path, ms_bands) for path in find_pairs(folder)]
            _check_ratio(pairs, ratio)
            groups = [list(_cut(pair, chip, pseudo_classes, rng)) for pair in pairs]
            if len(groups) == 1:
                groups = [[scene] for scene in groups[0]]
            order = rng.permutation(len(groups))
            last = max(1, round(val_share * len(groups)))
            train += [scene for place in order[last:] for scene in groups[place]]
            val += [scene for place in order[:last] for scene in groups[place]]
        scored = [scene for own in val if (scene := _keep_common(own)) is not None]
        if not train or not scored:
            raise DatasetError(
                f"nothing of '{folder}' is left for {'validation' if train else 'training'}",
                f"a chip of {chip} x {chip} multispectral pixels needs two classes with "
                f"{4 * VAL_SHOTS} labelled pixels",
                "label more pixels, or change data.chip",
            )
        super().__init__(SceneEpisodes(train, sampling, steps, per_step, seed), scored)

    def describe(self) -> dict[str, Any]:
        """Describe the training data for the model card."""
        parts = [self.folder] if self.folder else []
        if self.synthetic_scenes:
            parts.append(f"{self.synthetic_scenes} synthetic scenes")
        return {
            "data": " and ".join(parts),
            "validation": f"{len(self.validation)} scenes",
            "seed": self.seed,
        }


def _synthesise(size: int, seed: int, ratio: int) -> PixelScene:
    """Every fourth scene has no near infrared, like an image of three bands."""
    made = make_varied_pair(size, seed, ratio)
    if seed % 4 == 3:
        made.pair.ms[3] = 0
    return PixelScene.make(made.pair, made.labels, PairScale.fit(made.pair))


def _check_ratio(pairs: list[LabelledPair], ratio: int) -> None:
    for pair in pairs:
        if pair.pair.ratio != ratio:
            raise ConfigError(
                f"the pair '{pair.name}' has a ratio of {pair.pair.ratio}",
                f"the recipe trains for {ratio}",
                "set data.ratio and model.network.init_args.config.ratio, or remove the pair",
            )


def _cut(
    whole: LabelledPair, chip: int, clusters: int, rng: np.random.Generator
) -> Iterator[PixelScene]:
    """Cut labelled chips from a pair, with superpixels of the whole pair."""
    pair, valid = whole.pair, whole.valid
    scale = PairScale.fit(pair, valid)
    labels = whole.labels
    if labels is None:
        labels = cluster_pixels(pair, scale, clusters, rng, valid)
    if whole.test is not None:
        labels = np.where(whole.test, 0, labels).astype(np.uint8)
    regions = segment_pan(pair.pan)
    height, width = valid.shape
    for row in range(0, max(1, height - MIN_CHIP + 1), chip):
        for col in range(0, max(1, width - MIN_CHIP + 1), chip):
            window = Window(row, col, min(chip, height - row), min(chip, width - col))
            if (labels[window.slices] > 0).any():
                yield _crop(pair, labels, regions, scale, window)


def _crop(
    pair: PanMsPair,
    labels: npt.NDArray[np.uint8],
    regions: npt.NDArray[np.int32],
    scale: PairScale,
    window: Window,
) -> PixelScene:
    rows, cols = window.slices
    fine = Window(*(pair.ratio * side for side in window)).slices
    part = PanMsPair(pair.ms[:, rows, cols], pair.pan[fine], pair.ratio)
    own = np.unique(regions[fine], return_inverse=True)[1].reshape(part.pan.shape)
    return PixelScene.make(part, labels[rows, cols], scale, own.astype(np.int32))


def _keep_common(scene: PixelScene) -> PixelScene | None:
    """Keep classes with enough pixels to score; None if fewer than two are left."""
    numbers, counts = np.unique(scene.labels.numpy(), return_counts=True)
    common = numbers[counts >= 4 * VAL_SHOTS]
    if len(common) < 2:
        return None
    mask = np.zeros(scene.ms.shape[1:], bool)
    kept = np.isin(scene.labels.numpy(), common)
    mask[tuple(scene.pixels.numpy()[kept].T)] = True
    return scene.select(mask)
