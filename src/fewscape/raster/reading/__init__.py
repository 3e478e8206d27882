"""Windows of rasters, as values."""
