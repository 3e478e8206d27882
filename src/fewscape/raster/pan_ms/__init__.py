"""A panchromatic and a multispectral raster of one place."""
