"""Reserved class names."""

from __future__ import annotations

AREA, BACKGROUND, UNKNOWN = "area", "background", "ignore"
"""Ground where everything was drawn, ground of no class, and ground that is not learned from."""


def fold_case(name: str) -> str:
    """Lower-case reserved names; keep other names.

    Examples:
        >>> fold_case("Area"), fold_case("Roof")
        ('area', 'Roof')
    """
    folded = name.lower()
    return folded if folded in (AREA, BACKGROUND, UNKNOWN) else name
