"""From finished sections to the files of a map."""
