"""Networks on the episodes of a manifest: what each gets right, episode by episode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from fewscape.core import ManifestError, Policy
from fewscape.datasets import FileCrops, Manifest
from fewscape.datasets.fingerprint import check_labels
from fewscape.evaluation.encoding import choose_room
from fewscape.evaluation.prediction import ManifestPredictor
from fewscape.metrics import EpisodeCounts, EpisodeOverlap
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions

DECODED_BYTES = 512 << 20
"""Decoded images to keep; the networks share them."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A network with what cuts images into its regions."""

    model: FewShotModel
    regions: MakeRegions | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of each network, all over the same episodes in the same order."""

    counts: dict[str, EpisodeOverlap]
    kept: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)
    """By position of the episode: what each network found, (H, W) bool."""


def count_episodes(
    contenders: Mapping[str, Contender],
    manifest: Manifest,
    root: Path | str,
    policy: Policy,
    bands: Sequence[int] | None = None,
    batch_size: int = 8,
    max_feature_bytes: int | None = None,
    keep: Collection[int] = (),
    on_progress: Callable[[int], None] | None = None,
) -> Counted:
    """One pass over the episodes with all networks.

    Every crop is read once and encoded once by each network, however many episodes use it,
    unless the features that later episodes need exceed ``max_feature_bytes``.

    Args:
        contenders: networks by the names of the results; they are moved to the policy's device
            and left in the mode they were in.
        manifest: the episodes, or a selection of them.
        root: folder that the manifest's paths are relative to.
        policy: device and precision.
        bands: see ``FileCrops``.
        batch_size: episodes at a time.
        max_feature_bytes: memory for features, shared by the networks; what the machine can spare
            if not given.
        keep: positions of episodes whose predictions are wanted.
        on_progress: told after every batch how many episodes are done.

    Raises:
        ManifestError: the manifest is empty, a file is missing, a window leaves its image, or
            the labels are not those that the manifest was made for.
    """
    if not manifest.episodes:
        raise ManifestError("the manifest has no episodes", "expected at least one")
    manifest.check_files(root)
    check_labels(manifest, root)
    source = FileCrops(root, manifest.ignore, bands, DECODED_BYTES)
    room = choose_room(policy) if max_feature_bytes is None else max_feature_bytes
    share = room // len(contenders)
    was_training = {name: each.model.training for name, each in contenders.items()}
    with ExitStack() as stack:
        predictors = {}
        for name, each in contenders.items():
            stack.callback(each.model.train, was_training[name])
            each.model.eval().to(policy.device)
            predictors[name] = stack.enter_context(
                ManifestPredictor(
                    each.model, manifest, source, policy, each.regions, batch_size, share
                )
            )
        return _count(predictors, manifest, keep, on_progress)


def join_counted(parts: Sequence[tuple[Manifest, Counted]]) -> tuple[Manifest, Counted]:
    """Parts of a benchmark as one, such as folds, each with networks of its own.

    Args:
        parts: manifests of different classes, each with the counts of the same names.

    Returns:
        The manifest of all episodes, part after part, and their counts.
    """
    joined: dict[str, list[EpisodeOverlap]] = {name: [] for name in parts[0][1].counts}
    kept: dict[int, dict[str, torch.Tensor]] = {}
    num_episodes = num_classes = 0
    for manifest, counted in parts:
        for name, own in counted.counts.items():
            joined[name].append(own._replace(group=own.group + num_classes))
        kept |= {num_episodes + position: found for position, found in counted.kept.items()}
        num_episodes += len(manifest)
        num_classes += len(manifest.classes)
    counts = {
        name: EpisodeOverlap(*map(torch.cat, zip(*own, strict=True)))
        for name, own in joined.items()
    }
    episodes = tuple(episode for manifest, _ in parts for episode in manifest)
    return replace(parts[0][0], episodes=episodes), Counted(counts, kept)


def _count(
    predictors: Mapping[str, ManifestPredictor],
    manifest: Manifest,
    keep: Collection[int],
    on_progress: Callable[[int], None] | None,
) -> Counted:
    numbers = {key: number for number, key in enumerate(manifest.classes)}
    counts = {name: EpisodeCounts() for name in predictors}
    kept: dict[int, dict[str, torch.Tensor]] = {}
    done = 0
    for step, batch in enumerate(next(iter(predictors.values())).batches):
        group = torch.tensor([numbers[episode.key] for episode in batch])
        for name, predictor in predictors.items():
            prediction, masks = (tensor.cpu() for tensor in predictor.predict(step))
            counts[name].update(prediction, masks, group)
            for position in keep:
                if done <= position < done + len(batch):
                    kept.setdefault(position, {})[name] = prediction[position - done]
        done += len(batch)
        if on_progress:
            on_progress(done)
    return Counted({name: own.per_episode() for name, own in counts.items()}, kept)
