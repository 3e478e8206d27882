"""A request becomes maps.

``MapRequest`` says what is wanted, ``running.run_map`` makes it, a ``Reporter`` hears of it.
Importing this package is cheap; torch and GDAL load with ``running``.
"""

from fewscape.request.map_request import MapRequest
from fewscape.request.reporter import Reporter

__all__ = ["MapRequest", "Reporter"]
