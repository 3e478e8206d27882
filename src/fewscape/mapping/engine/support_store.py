"""A cache of supports, for the next map from the same examples."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from fewscape.backbones.weights import check_finite
from fewscape.core import Policy, Support, WeightsError, write_whole
from fewscape.mapping.examples.crops import Shot
from fewscape.models import FewShotModel

log = logging.getLogger(__name__)

FOLDER = "FEWSCAPE_CACHE"
"""Environment variable that moves the cache folder."""
MAX_FILES = 500
"""Number of supports to keep; the least recently used are removed first."""


class SupportStore:
    """Supports in a folder, keyed by the network's weights and the crop.

    Other weights, precision, pixels or masks give another key. An unwritable folder costs only
    time.

    Args:
        folder: created with the first support.
        model: the network, in the policy's precision.
        policy: its device and precision.
    """

    def __init__(self, folder: Path | str, model: FewShotModel, policy: Policy) -> None:
        self.folder = Path(folder)
        self._start = _hash_model(model, policy)

    def learn(self, shot: Shot, make: Callable[[], Support]) -> Support:
        """The support of a shot, from the cache or learned now; on the CPU if cached."""
        digest = self._start.copy()
        for values in (shot.image, shot.mask):
            digest.update(str((values.shape, values.dtype)).encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        path = self.folder / f"{digest.hexdigest()[:32]}.safetensors"
        try:
            support = Support.load(path)
            check_finite(support.tensors, f"the cached '{path}'")
            path.touch()
        except (OSError, SafetensorError, WeightsError):
            support = make()
            self._keep(support, path)
        return support

    def _keep(self, support: Support, path: Path) -> None:
        try:
            with write_whole(path) as draft:
                support.to("cpu").save(draft)
            files = sorted(self.folder.glob("*.safetensors"), key=lambda each: each.stat().st_mtime)
            for old in files[:-MAX_FILES]:
                old.unlink(missing_ok=True)
        except (OSError, SafetensorError) as error:
            log.info("supports are not cached: %s", error)


def support_folder() -> Path:
    """The cache folder: ``FEWSCAPE_CACHE``, or the user's cache folder."""
    place = os.environ.get(FOLDER)
    if place is None:
        place = os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/fewscape"
    return Path(place).expanduser() / "supports"


def _hash_model(model: FewShotModel, policy: Policy) -> hashlib._Hash:
    told = {"model": model.describe(), "device": policy.device.type, "dtype": str(policy.dtype)}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        values = tensor.detach().cpu().contiguous().view(-1)
        digest.update(values.view(torch.uint8).numpy().data)
    return digest
