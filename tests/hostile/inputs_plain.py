"""What is neither odd nor broken, so that the measure itself is right."""

from pathlib import Path

from tests.hostile.cases import Words, case, map_words
from tests.hostile.invented import write_scene, write_vectors


@case("plain")
def a_good_scene(folder: Path) -> Words:
    return map_words(folder, write_scene(folder / "s.tif"), write_vectors(folder / "e.gpkg"))
