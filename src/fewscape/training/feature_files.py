"""Cache the maps of a frozen backbone in files, shared by trainings on the same images."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fewscape.backbones import Backbone
from fewscape.core import OutputError
from fewscape.training.feature_cache import BYTES_PER_GIGABYTE, Maps

log = logging.getLogger(__name__)

KEY_BYTES = 16
HEAD, KEYS, MAPS = ".json", ".keys", ".maps"

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """The files of one process: shapes, keys and maps."""

    stem: Path
    shapes: Shapes

    @property
    def record(self) -> int:
        """Number of values per image."""
        return sum(math.prod(shape) for shape in self.shapes)

    def read_keys(self) -> list[bytes]:
        """Read the keys of images with complete maps."""
        keys = self.stem.with_suffix(KEYS).read_bytes()
        complete = self.stem.with_suffix(MAPS).stat().st_size // (2 * self.record)
        count = min(len(keys) // KEY_BYTES, complete)
        return [keys[KEY_BYTES * at : KEY_BYTES * (at + 1)] for at in range(count)]

    def read(self, row: int) -> Maps:
        """Read the maps of one image."""
        values = np.fromfile(
            self.stem.with_suffix(MAPS), np.int16, self.record, offset=2 * self.record * row
        )
        parts = np.split(values, np.cumsum([math.prod(shape) for shape in self.shapes])[:-1])
        return tuple(
            torch.from_numpy(part).view(torch.bfloat16).view(shape)
            for part, shape in zip(parts, self.shapes, strict=True)
        )

    def append(self, key: bytes, maps: Maps) -> int:
        """Append the maps of one image, its key last; return the bytes written."""
        values = torch.cat([level.contiguous().view(-1) for level in maps]).view(torch.int16)
        with self.stem.with_suffix(MAPS).open("ab") as file:
            file.write(values.numpy().tobytes())
        with self.stem.with_suffix(KEYS).open("ab") as file:
            file.write(key)
        return values.nbytes


class FileStore:
    """Maps of one backbone in a folder, shared by trainings with other heads, folds and seeds.

    Each process appends to its own files and knows what others had written when it started, so
    several may share a folder. Incomplete records of killed processes are ignored.

    Args:
        folder: cache folder, created if absent, with a subfolder per backbone.
        backbone: the frozen backbone; its weights identify the maps.
        gigabytes: disk limit of this backbone's maps.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path | str, backbone: Backbone, gigabytes: float) -> None:
        self.folder = Path(folder) / hash_backbone(backbone)
        self._own: dict[Shapes, tuple[Segment, int]] = {}
        self._places: dict[bytes, tuple[Segment, int]] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder '{folder}' cannot be written: {error.strerror}",
                "it is the cache of the backbone's maps",
                "choose another model.cache_folder",
            ) from error
        self._room = int(gigabytes * BYTES_PER_GIGABYTE)
        for head in sorted(self.folder.glob(f"*{HEAD}")):
            shapes = tuple(map(tuple, json.loads(head.read_text("utf-8"))))
            segment = Segment(head.with_suffix(""), shapes)
            keys = segment.read_keys()
            self._room -= 2 * segment.record * len(keys)
            self._places.update((key, (segment, row)) for row, key in enumerate(keys))

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: bytes) -> Maps | None:
        """The maps of an image; None if they are not kept."""
        place = self._places.get(key)
        return None if place is None else place[0].read(place[1])

    def put(self, key: bytes, maps: Maps) -> None:
        """Write the maps of an image, if there is room."""
        shapes = tuple(tuple(level.shape) for level in maps)
        if self._room < sum(level.nbytes for level in maps):
            return
        try:
            segment, row = self._own.get(shapes) or (self._begin(shapes), 0)
            self._room -= segment.append(key, maps)
        except OSError as error:
            log.warning("no more maps are cached in '%s': %s", self.folder, error.strerror)
            self._room = 0
            return
        self._places[key] = segment, row
        self._own[shapes] = segment, row + 1

    def _begin(self, shapes: Shapes) -> Segment:
        stem = self.folder / uuid.uuid4().hex
        for suffix in (MAPS, KEYS):
            stem.with_suffix(suffix).touch()
        stem.with_suffix(HEAD).write_text(json.dumps(shapes), "utf-8")
        return Segment(stem, shapes)


def hash_backbone(backbone: Backbone) -> str:
    """Hash of a backbone's architecture and weights, hexadecimal."""
    digest = hashlib.sha256(json.dumps(backbone.settings, sort_keys=True, default=str).encode())
    for name, tensor in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
