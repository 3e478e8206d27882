"""Find and open rasters."""
