"""Standing benchmarks: published protocols, and the main job."""
