"""HSNet: hypercorrelation squeeze (Min, Kang and Cho, ICCV 2021)."""

from fewscape.models.hsnet.config import HSNetVariant
from fewscape.models.hsnet.convert import from_official
from fewscape.models.hsnet.network import HSNet

__all__ = ["HSNet", "HSNetVariant", "from_official"]
