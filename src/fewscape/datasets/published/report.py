"""Report what a preparation found, compared with the published data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(slots=True)
class PrepareReport:
    """The findings of a preparation."""

    images: Counter[str] = field(default_factory=Counter)
    """Images by split."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Official number of images by split."""
    unlisted: Counter[str] = field(default_factory=Counter)
    """Pixels with unlisted colours, by file."""
    pairs: dict[str, Counter[str]] = field(default_factory=dict)
    """Number of images that show each class, by split."""
    expected_pairs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Likewise in the published lists."""
    unshown: list[str] = field(default_factory=list)
    """Listed (image, class) pairs whose labels do not show the class."""
    notes: list[str] = field(default_factory=list)
    """Further notes."""

    def count(self, split: str, ids: npt.NDArray[np.uint8], names: Sequence[str]) -> None:
        """Count an image by its labels (H, W)."""
        self.images[split] += 1
        present = (names[number] for number in np.unique(ids) if number < len(names))
        self.pairs.setdefault(split, Counter()).update(present)

    def lines(self) -> list[str]:
        """Lines for people."""
        lines = []
        for split, count in self.expected.items():
            found = self.images[split]
            lines.append(f"{split}: {found} of {count} images")
        lines += format_pairs(self.pairs, self.expected_pairs)
        if self.unlisted:
            pixels = sum(self.unlisted.values())
            lines.append(
                f"{pixels} pixels in {len(self.unlisted)} label files have a colour of no class; "
                f"they are ignored (first: {next(iter(self.unlisted))})"
            )
        if self.unshown:
            lines.append(
                f"{len(self.unshown)} listed pairs of image and class are not in the labels "
                f"(first: {self.unshown[0]})"
            )
        return lines + self.notes


def format_pairs(
    found: Mapping[str, Mapping[str, int]], expected: Mapping[str, Mapping[str, int]]
) -> list[str]:
    """Report classes whose number of images differs from the published lists."""
    lines = []
    for split, counts in expected.items():
        own = found.get(split, {})
        apart = [name for name, count in counts.items() if own.get(name, 0) != count]
        total = sum(counts.values())
        seen = sum(own.get(name, 0) for name in counts)
        lines.append(f"{split}: {seen} of {total} pairs of image and class")
        lines += [f"  {name}: {own.get(name, 0)} of {counts[name]}" for name in apart]
    return lines
