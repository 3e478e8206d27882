"""From what people name to open rasters."""
