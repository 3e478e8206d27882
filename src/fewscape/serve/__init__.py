"""The page on which people draw examples, see the map follow, correct it and export it."""
