"""Published scores, by protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

FILE = "published_rows.json"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of a published table.

    All of them come from networks that were selected by their score on the tested classes.

    Attributes:
        protocol: name of the protocol, see ``fewscape.datasets.protocols``.
        method: as its authors call it.
        backbone: likewise.
        shots: supports of an episode.
        folds: mIoU of each fold in per cent, None where only the mean is known.
        mean: of the folds, in per cent.
        parameters: learnable ones as printed, None if they are not.
        source: paper and table.
        note: what is uncertain about the row.
    """

    protocol: str
    method: str
    backbone: str
    shots: int
    folds: tuple[float, ...] | None
    mean: float
    parameters: str | None
    source: str
    note: str


def find_published(protocol: str, shots: int) -> list[PublishedRow]:
    """The rows of one protocol and number of shots, the best mean of a backbone first.

    Rows of other protocols cannot be compared: the best one-shot rows of ``isaid5i-p1`` and
    ``isaid5i-p3`` differ by ten points for this reason alone.
    """
    content = json.loads((resources.files(__package__) / FILE).read_text("utf-8"))
    rows = [
        PublishedRow(**row | {"folds": row["folds"] and tuple(row["folds"])})
        for row in content["rows"]
    ]
    wanted = [row for row in rows if row.protocol == protocol and row.shots == shots]
    return sorted(wanted, key=lambda row: (row.backbone, -row.mean))


def describe_sources() -> dict[str, str]:
    """Paper of each source that rows name."""
    content = json.loads((resources.files(__package__) / FILE).read_text("utf-8"))
    sources: dict[str, str] = content["sources"]
    return sources
