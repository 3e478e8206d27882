"""BiCoR-Seg."""

from fewscape.models.bicor_seg.convert import from_official
from fewscape.models.bicor_seg.network import BiCoRSeg

__all__ = ["BiCoRSeg", "from_official"]
