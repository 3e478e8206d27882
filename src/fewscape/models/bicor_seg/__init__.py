"""BiCoR-Seg."""

from fewscape.models.bicor_seg.convert import from_official
from fewscape.models.bicor_seg.few_shot import BiCoRFewShot
from fewscape.models.bicor_seg.network import BiCoRSeg

__all__ = ["BiCoRFewShot", "BiCoRSeg", "from_official"]
