"""Write rasters and the files that go with them."""
