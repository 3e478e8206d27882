"""Count the overlaps of networks on the episodes of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from fewscape.core import ManifestError, Policy
from fewscape.datasets import FileCrops, Manifest
from fewscape.datasets.fingerprint import check_labels
from fewscape.evaluation.encoding import limit_feature_bytes
from fewscape.evaluation.prediction import ManifestPredictor
from fewscape.metrics import EpisodeCounts, EpisodeOverlap
from fewscape.models import FewShotModel
from fewscape.regions import MakeRegions

DECODED_BYTES = 512 << 20
"""Number of decoded images to keep; the networks share them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network with its region maker."""

    model: FewShotModel
    regions: MakeRegions | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of each network over the same episodes in the same order."""

    counts: dict[str, EpisodeOverlap]
    kept: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)
    """By episode index: the prediction (H, W) bool of each network."""


def count_episodes(
    candidates: Mapping[str, Candidate],
    manifest: Manifest,
    root: Path | str,
    policy: Policy,
    bands: Sequence[int] | None = None,
    batch_size: int = 8,
    max_feature_bytes: int | None = None,
    keep: Collection[int] = (),
    on_progress: Callable[[int], None] | None = None,
) -> Counted:
    """Run all networks over the episodes in one pass.

    Every crop is read once and encoded once per network, however many episodes use it, unless the
    features for later episodes exceed ``max_feature_bytes``.

    Args:
        candidates: networks by their names in the results; they are moved to the policy's device
            and keep their mode.
        manifest: the episodes.
        root: folder that the manifest's paths are relative to.
        policy: device and precision.
        bands: see ``FileCrops``.
        batch_size: episodes per batch.
        max_feature_bytes: memory for features, shared by the networks; by default what the machine
            can spare.
        keep: indices of episodes whose predictions to return.
        on_progress: called after every batch with the number of finished episodes.

    Raises:
        ManifestError: the manifest is empty, a file is missing, a window exceeds its image, or the
            labels are not those of the manifest.
    """
    if not manifest.episodes:
        raise ManifestError("the manifest has no episodes", "expected at least one")
    manifest.check_files(root)
    check_labels(manifest, root)
    source = FileCrops(root, manifest.ignore, bands, DECODED_BYTES)
    room = limit_feature_bytes(policy) if max_feature_bytes is None else max_feature_bytes
    share = room // len(candidates)
    was_training = {name: each.model.training for name, each in candidates.items()}
    with ExitStack() as stack:
        predictors = {}
        for name, each in candidates.items():
            stack.callback(each.model.train, was_training[name])
            each.model.eval().to(policy.device)
            predictors[name] = stack.enter_context(
                ManifestPredictor(
                    each.model, manifest, source, policy, each.regions, batch_size, share
                )
            )
        return _count(predictors, manifest, keep, on_progress)


def join_counted(parts: Sequence[tuple[Manifest, Counted]]) -> tuple[Manifest, Counted]:
    """Join the parts of a benchmark, such as folds with their own networks.

    Args:
        parts: manifests of different classes, with counts of the same networks.

    Returns:
        The manifest of all episodes, part by part, and their counts.
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
