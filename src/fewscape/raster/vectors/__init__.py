"""Polygons in and out."""
