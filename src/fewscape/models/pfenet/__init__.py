"""PFENet: prior guided feature enrichment (Tian et al., TPAMI 44, 2022; online 2020)."""

from fewscape.models.pfenet.config import PFENetVariant
from fewscape.models.pfenet.convert import from_official
from fewscape.models.pfenet.network import PFENet

__all__ = ["PFENet", "PFENetVariant", "from_official"]
