"""Few-shot semantic segmentation of remote sensing imagery.

Importing the package is cheap: torch and GDAL load with the modules that need them.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
