"""Episode manifests: files that fix the episodes of a test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fewscape.core import (
    IGNORE,
    ManifestError,
    OutputError,
    Window,
    find_packaged,
    parse_json,
    suggest,
    write_bytes,
)
from fewscape.datasets.image_files import ImageFiles, is_inside

FORMAT = "fewscape-episodes/1"

ClassKey = tuple[str, int]
"""Data set and class id."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A window of an image and of its labels."""

    image: str
    """Path relative to the root, with forward slashes."""
    labels: str
    window: Window


@dataclass(frozen=True, slots=True)
class EpisodeSpec:
    """One episode as names and windows: segment the supports' class in the query."""

    dataset: str
    class_id: int
    class_name: str
    query: Crop
    support: tuple[Crop, ...]

    @property
    def key(self) -> ClassKey:
        """Data set and class, the unit of scores."""
        return self.dataset, self.class_id

    @property
    def crops(self) -> tuple[Crop, ...]:
        """The query, then the supports."""
        return self.query, *self.support


@dataclass(frozen=True, slots=True)
class Manifest:
    """A named list of episodes.

    The mask of a crop is ``labels == class_id``; pixels labelled ``ignore`` stay unknown; a
    window is resized to ``image_size`` if it differs.
    """

    name: str
    episodes: tuple[EpisodeSpec, ...]
    image_size: tuple[int, int] = (256, 256)
    """Height and width in pixels."""
    ignore: int = IGNORE
    file_sha256: str | None = field(default=None, compare=False)
    """Hash of the source file; parts keep the hash of the whole."""
    labels_sha256: str | None = None
    """Hash of the manifest's decoded labels, see ``hash_labels``; None if not recorded. Parts keep
    that of the whole."""
    hashed_labels: tuple[str, ...] = field(default=(), compare=False)
    """The label files behind ``labels_sha256``; those of all episodes if not given."""

    def __post_init__(self) -> None:
        if self.labels_sha256 is not None and not self.hashed_labels:
            object.__setattr__(self, "hashed_labels", self.label_files)

    def __len__(self) -> int:
        return len(self.episodes)

    def __iter__(self) -> Iterator[EpisodeSpec]:
        return iter(self.episodes)

    @property
    def sha256(self) -> str:
        """SHA-256 of the manifest's file, as hexadecimal digits."""
        return self.file_sha256 or hashlib.sha256(self.encode()).hexdigest()

    @property
    def classes(self) -> dict[ClassKey, str]:
        """Class names by data set and class id, in order of appearance."""
        return {episode.key: episode.class_name for episode in self.episodes}

    @property
    def label_files(self) -> tuple[str, ...]:
        """Paths of the labels of all crops, each once, sorted."""
        return tuple(sorted({crop.labels for episode in self for crop in episode.crops}))

    def encode(self) -> bytes:
        """Encode as JSON with one episode per line, the same bytes on every machine.

        ``labels_sha256`` is not written for a part that uses fewer labels.
        """
        head: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "ignore": self.ignore,
            "image_size": list(self.image_size),
        }
        if self.labels_sha256 is not None and self.label_files == self.hashed_labels:
            head["labels_sha256"] = self.labels_sha256
        lines = ",\n".join(_dump(_episode_to_json(episode)) for episode in self.episodes)
        return f'{_dump(head)[:-1]}, "episodes": [\n{lines}\n]}}\n'.encode()

    def save(self, path: Path | str) -> str:
        """Write the file atomically and return its SHA-256.

        Raises:
            ManifestError: there are no episodes.
            OutputError: the file cannot be written.
        """
        if not self.episodes:
            raise ManifestError(
                f"the manifest '{path}' would have no episodes",
                "expected at least one",
                "take other classes, or more data",
            )
        content = self.encode()
        try:
            write_bytes(Path(path), content)
        except OSError as error:
            raise OutputError(f"'{path}' cannot be written: {error.strerror}") from error
        return hashlib.sha256(content).hexdigest()

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Read a manifest from a file, or a packaged one by name, such as ``aerial4-1shot``.

        Raises:
            ManifestError: it does not exist, cannot be read, or is invalid.
        """
        try:
            content = find_packaged("manifests", path).read_bytes()
        except OSError as error:
            raise ManifestError(
                f"the manifest '{path}' cannot be read: {error.strerror}",
                "",
                "make one with: fewscape episodes make",
            ) from error
        manifest = _parse(content, str(path))
        return replace(manifest, file_sha256=hashlib.sha256(content).hexdigest())

    def select(
        self,
        classes: Collection[str] | None = None,
        datasets: Collection[str] | None = None,
        limit: int | None = None,
    ) -> Manifest:
        """Select the episodes of some classes or data sets.

        Args:
            classes: class names; all if None.
            datasets: names of data sets; all if None.
            limit: maximum number of episodes per (data set, class), the first ones.

        Raises:
            ManifestError: a name is in no episode.
        """
        for wanted, present in (
            (classes, {episode.class_name for episode in self}),
            (datasets, {episode.dataset for episode in self}),
        ):
            for name in wanted or ():
                if name not in present:
                    raise ManifestError(
                        f"the manifest has no episodes of '{name}'", "", suggest(name, present)
                    )
        chosen, counts = [], dict.fromkeys(self.classes, 0)
        for episode in self:
            is_wanted = (classes is None or episode.class_name in classes) and (
                datasets is None or episode.dataset in datasets
            )
            if is_wanted and (limit is None or counts[episode.key] < limit):
                counts[episode.key] += 1
                chosen.append(episode)
        return replace(self, episodes=tuple(chosen))

    def check_files(self, root: Path | str) -> None:
        """Check that every file exists and contains its windows; reads only headers.

        Raises:
            ManifestError: names the missing file, or the window that exceeds its image.
        """
        files = ImageFiles(root)
        for crop in dict.fromkeys(crop for episode in self for crop in episode.crops):
            for path in (crop.image, crop.labels):
                if not (files.root / path).is_file():
                    raise ManifestError(
                        f"the manifest names '{path}', which does not exist under '{root}'",
                        "",
                        "set --root to the folder that the paths are relative to",
                    )
                if not is_inside(crop.window, files.size(path)):
                    height, width = files.size(path)
                    raise ManifestError(
                        f"the window {list(crop.window)} exceeds '{path}'",
                        f"the file has {height} x {width} pixels",
                        "use the data that the manifest was made for",
                    )


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _episode_to_json(episode: EpisodeSpec) -> dict[str, Any]:
    return {
        "dataset": episode.dataset,
        "class_id": episode.class_id,
        "class_name": episode.class_name,
        "query": _crop_to_json(episode.query),
        "support": [_crop_to_json(crop) for crop in episode.support],
    }


def _crop_to_json(crop: Crop) -> dict[str, Any]:
    return {"image": crop.image, "labels": crop.labels, "window": list(crop.window)}


def _parse(content: bytes, path: str) -> Manifest:
    try:
        data = parse_json(content)
    except ValueError as error:
        raise ManifestError(
            f"'{path}' is not JSON: {error}", f"expected the format {FORMAT}"
        ) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise ManifestError(
            f"'{path}' has the format {found!r}",
            f"expected {FORMAT!r}",
            "make a manifest with: fewscape episodes make",
        )
    place = "the manifest"
    try:
        height, width = data["image_size"]
        episodes = []
        for number, episode in enumerate(data["episodes"]):
            place = f"episode {number}"
            episodes.append(_episode_from_json(episode))
        place = "the manifest"
        if not episodes:
            raise ValueError("it has no episodes")
        return Manifest(
            str(data["name"]),
            tuple(episodes),
            (int(height), int(width)),
            int(data["ignore"]),
            labels_sha256=_parse_hash(data.get("labels_sha256")),
        )
    except KeyError as error:
        raise ManifestError(f"{place} of '{path}' has no {error}", "expected this key") from error
    except (TypeError, ValueError) as error:
        raise ManifestError(f"{place} of '{path}' is invalid: {error}") from error


def _parse_hash(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) == 64):
        raise ValueError(f"labels_sha256 is {value!r}, expected 64 hexadecimal digits")
    return value


def _episode_from_json(data: dict[str, Any]) -> EpisodeSpec:
    support = tuple(_crop_from_json(crop) for crop in data["support"])
    if not support:
        raise ValueError("it has no support")
    return EpisodeSpec(
        str(data["dataset"]),
        int(data["class_id"]),
        str(data["class_name"]),
        _crop_from_json(data["query"]),
        support,
    )


def _crop_from_json(data: dict[str, Any]) -> Crop:
    row, col, height, width = (int(value) for value in data["window"])
    crop = Crop(str(data["image"]), str(data["labels"]), Window(row, col, height, width))
    if row < 0 or col < 0 or height < 1 or width < 1:
        raise ValueError(f"the window {list(crop.window)} has no pixels inside its image")
    for path in (crop.image, crop.labels):
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ValueError(f"the path '{path}' is not relative to the root")
    return crop
