"""Rasters and their companions on disk."""
