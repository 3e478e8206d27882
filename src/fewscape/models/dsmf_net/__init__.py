"""DSMF-Net."""

from fewscape.models.dsmf_net.network import DSMFNet

__all__ = ["DSMFNet"]
