"""Files that would replace each other or an input, and numbers out of their range."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.hostile.cases import QUICK, Words, case, map_words
from tests.hostile.invented import PLACE, ground, outline, paint, truth, write_scene, write_vectors


def draw_two(path: Path, first: str, second: str) -> Path:
    """Roofs of two names, and ground."""
    shapes = [outline(0), outline(1), outline(2), ground(PLACE)]
    return write_vectors(path, shapes, [first, second, first, "background"])


@case("outputs", refused="would overwrite the input")
def labels_in_the_output_folder(folder: Path) -> Words:
    (folder / "out").mkdir()
    labels = write_scene(folder / "out" / "d_classes.tif", truth())
    return map_words(folder, write_scene(folder / "d.tif"), labels)


@case("outputs", refused="would overwrite the input")
def a_second_scene_that_is_called_like_a_map(folder: Path) -> Words:
    (folder / "out").mkdir()
    first = write_scene(folder / "out" / "d.tif")
    second = write_scene(folder / "out" / "d_roof_prob.tif", paint(1))
    examples = write_vectors(folder / "e.gpkg")
    return ("map", first, second, "--examples", examples, "--output", folder / "out", *QUICK)


@case("outputs", refused="would overwrite the input")
def a_link_to_the_scene_that_is_called_like_the_map(folder: Path) -> Words:
    (folder / "out").mkdir()
    scene = write_scene(folder / "d.tif")
    (folder / "out" / "d_classes.tif").symlink_to(scene)
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


@case("outputs", refused="would overwrite the input")
def an_output_folder_that_is_a_link(folder: Path) -> Words:
    (folder / "real").mkdir()
    (folder / "out").symlink_to(folder / "real")
    labels = write_scene(folder / "real" / "d_classes.tif", truth())
    return map_words(folder, write_scene(folder / "d.tif"), labels)


@case("outputs", refused="would both write a file 't_new_roof_prob.tif'")
def a_scene_and_a_class_that_make_one_name(folder: Path) -> Words:
    shapes = [outline(0), outline(1), outline(2), ground(PLACE)]
    names = ["new_roof", "roof", "roof", "background"]
    examples = write_vectors(folder / "e.gpkg", shapes, names)
    scenes = [write_scene(folder / name, paint(5)) for name in ("t.tif", "t_new.tif")]
    return ("map", *scenes, "--examples", examples, "--output", folder / "out", *QUICK)


@case("names", refused="too many for a file name")
def a_scene_with_a_long_name(folder: Path) -> Words:
    scene = write_scene(folder / f"{'n' * 245}.tif")
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"))


@case("names", refused="control characters")
def a_scene_with_a_line_break_in_its_name(folder: Path) -> Words:
    return map_words(folder, write_scene(folder / "a\nb.tif"), write_vectors(folder / "e.gpkg"))


def has_rasters(*names: str) -> Callable[[Path], bool]:
    return lambda folder: all((folder / "out" / f"s_{name}_prob.tif").is_file() for name in names)


@case("names", check=has_rasters("a_b_1", "a_b_2"))
def classes_whose_names_make_one_file_name(folder: Path) -> Words:
    return map_words(
        folder, write_scene(folder / "s.tif"), draw_two(folder / "e.gpkg", "a b", "a/b")
    )


@case("names", refused="differ only in case")
def classes_that_differ_by_case(folder: Path) -> Words:
    return map_words(
        folder, write_scene(folder / "s.tif"), draw_two(folder / "e.gpkg", "Roof", "roof")
    )


@case("names")
def classes_that_differ_by_the_form_of_unicode(folder: Path) -> Words:
    forms = "d\u00e4cher", "da\u0308cher"
    return map_words(folder, write_scene(folder / "s.tif"), draw_two(folder / "e.gpkg", *forms))


@case("names", refused="has an unprintable character")
def a_class_with_control_characters(folder: Path) -> Words:
    names = "roof\x1b[2J", "tile"
    return map_words(folder, write_scene(folder / "s.tif"), draw_two(folder / "e.gpkg", *names))


@case("names", check=has_rasters("r" * 80, "tile"))
def a_class_with_a_very_long_name(folder: Path) -> Words:
    names = "r" * 3000, "tile"
    return map_words(folder, write_scene(folder / "s.tif"), draw_two(folder / "e.gpkg", *names))


WRONG_NUMBERS = {
    "threshold": ("nan", "5", "-1", "30"),
    "window": ("100000", "0", "-64", "1e3"),
    "overlap": ("nan", "1", "-0.1"),
    "resolution": ("1e-9", "nan", "-1", "inf", "1e9"),
    "batch_size": ("0", "1000000000"),
    "min_area": ("nan", "-1", "inf"),
    "simplify": ("nan", "-1", "inf"),
    "buffer": ("nan", "-3m", "inf", "1e30px"),
    "retry_delay": ("nan", "-1", "1e9"),
    "tries": ("0", "1000000"),
    "max_memory": ("0", "-2GB", "nanGB"),
    "bands": ("0,1,2", "1,2,99999", "-1,1,1", "nan"),
}


def _add(option: str, value: str, number: int) -> None:
    def make(folder: Path) -> Words:
        examples = write_vectors(folder / "e.gpkg")
        return map_words(folder, write_scene(folder / "s.tif"), examples, f"--{option}={value}")

    make.__name__ = f"{option}_{number}"
    case("numbers", refused="")(make)


for _option, _values in WRONG_NUMBERS.items():
    for _number, _value in enumerate(_values):
        _add(_option, _value, _number)
