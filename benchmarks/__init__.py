"""Reproducible benchmarks of speed and quality."""
