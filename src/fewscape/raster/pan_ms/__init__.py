"""Panchromatic and multispectral rasters of the same place."""
