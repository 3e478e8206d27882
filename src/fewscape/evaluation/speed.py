"""Time one episode."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import torch

from fewscape.core import Episode, Policy
from fewscape.datasets import Manifest, ManifestEpisodes
from fewscape.evaluation.counting import Candidate

REPEATS = {"cpu": (2, 10), "cuda": (50, 300)}
"""Number of warm-up and timed calls."""


def time_episode(
    candidate: Candidate, manifest: Manifest, root: Path | str, policy: Policy
) -> float:
    """Median seconds of one episode: support and query from pixels to logits.

    Batch size 1 without reading, as in published tables.

    Args:
        candidate: the network and its region maker, whose time is not counted.
        manifest: manifest whose first episode is used.
        root: folder that the manifest's paths are relative to.
        policy: device and precision.
    """
    model = candidate.model.eval().to(policy.device)
    episode = ManifestEpisodes(manifest, root, candidate.regions)[0]
    episode = Episode.stack([episode]).to(policy.device)
    warm_up, repeats = REPEATS.get(policy.device.type, REPEATS["cpu"])
    seconds = []
    is_mixed = policy.dtype != torch.float32
    with (
        torch.inference_mode(),
        torch.autocast(policy.device.type, policy.dtype, enabled=is_mixed),
    ):
        for _ in range(warm_up + repeats):
            _wait(policy)
            started = time.perf_counter()
            model(episode)
            _wait(policy)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[warm_up:])


def _wait(policy: Policy) -> None:
    if policy.device.type == "cuda":
        torch.cuda.synchronize(policy.device)
