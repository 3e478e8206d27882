"""MGCL: mask-guided correlation learning (Li et al., IEEE TGRS 62, 2024)."""

from fewscape.models.mgcl.config import MGCLVariant
from fewscape.models.mgcl.convert import from_official
from fewscape.models.mgcl.network import MGCL

__all__ = ["MGCL", "MGCLVariant", "from_official"]
