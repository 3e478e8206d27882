"""Classes with a meaning of their own."""

from __future__ import annotations

AREA, BACKGROUND, UNKNOWN = "area", "background", "ignore"
"""Ground in which everything was drawn, ground of no class, ground that teaches nothing."""


def fold_case(name: str) -> str:
    """The classes with a meaning of their own are known in any case.

    Examples:
        >>> fold_case("Area"), fold_case("Roof")
        ('area', 'Roof')
    """
    folded = name.lower()
    return folded if folded in (AREA, BACKGROUND, UNKNOWN) else name
