"""Segmenters: models that have learned some classes and map windows."""
