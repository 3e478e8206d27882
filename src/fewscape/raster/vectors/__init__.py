"""Read and write polygons."""
