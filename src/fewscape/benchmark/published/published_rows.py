"""Published scores, by protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

FILE = "published_rows.json"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of a published table.

    All are from networks selected by their score on the tested classes.

    Attributes:
        protocol: name of the protocol, see ``fewscape.datasets.protocols``.
        method: the authors' name.
        backbone: likewise.
        shots: supports per episode.
        folds: mIoU of each fold in percent, None if only the mean is known.
        mean: mean over the folds, in percent.
        parameters: learnable parameters as printed, or None.
        source: paper and table.
        note: uncertainty about the row.
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
    """Find the rows of a protocol and number of shots, best mean per backbone first.

    Rows of different protocols are not comparable: the best one-shot rows of ``isaid5i-p1`` and
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
    """The papers of the rows' sources."""
    content = json.loads((resources.files(__package__) / FILE).read_text("utf-8"))
    sources: dict[str, str] = content["sources"]
    return sources
