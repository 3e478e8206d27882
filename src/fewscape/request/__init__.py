"""Requests for maps, and running them.

``MapRequest`` describes the maps, ``running.run_map`` makes them, a ``Reporter`` receives progress
and warnings. Importing this package is cheap; torch and GDAL load with ``running``.
"""

from fewscape.request.map_request import MapRequest
from fewscape.request.reporter import Reporter

__all__ = ["MapRequest", "Reporter"]
