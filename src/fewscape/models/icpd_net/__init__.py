"""ICPD-Net: implicit CLIP prior decoupling (Jiang et al., IEEE TGRS 63, 2025)."""

from fewscape.models.icpd_net.config import ICPDVariant
from fewscape.models.icpd_net.convert import from_official
from fewscape.models.icpd_net.network import ICPDNet

__all__ = ["ICPDNet", "ICPDVariant", "from_official"]
