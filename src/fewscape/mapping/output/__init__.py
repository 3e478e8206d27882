"""The output files of a map, from its finished sections."""
