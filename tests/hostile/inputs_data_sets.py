"""Folders of images and labels as they are really found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.hostile.cases import Words, case, map_words
from tests.hostile.invented import paint, truth, write_scene, write_vectors

KIND = "data sets"
TABLE = {"classes": {"0": "ground", "1": "roof"}, "ignore": 255}
BACKBONE = "--model.network.init_args.backbone"
RANDOM = "model: {network: {init_args: {backbone: {weights: null}}}}"


def write_data(
    folder: Path, factor: int = 1, table: object = TABLE, encoding: str = "utf-8"
) -> Path:
    """Three images whose labels are 0 and a number."""
    root = folder / "data"
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    for number in range(3):
        name = f"a{number}.tif"
        write_scene(root / "images" / name, paint(number))
        write_scene(root / "labels" / name, truth() * np.uint8(factor))
    (root / "classes.json").write_text(json.dumps(table), encoding)
    return root


def fit_words(folder: Path, root: Path, *more: object) -> Words:
    """A training of two steps."""
    steps = ("--trainer.max_steps", 2, "--trainer.accelerator", "cpu", "--data.batch_size", 2)
    sizes = ("--data.image_size", 64, f"{BACKBONE}.name", "test_resnet")
    run = ("--data.folder", root, "--trainer.default_root_dir", folder / "run")
    return ("fit", "--config", "bicor_seg/small", *run, *steps, *sizes, *more)


def was_verified(folder: Path) -> bool:
    return (folder / "data" / "classes.json").is_file()


@case(KIND, told="3 images and their labels of 'data' are readable", check=was_verified)
def a_good_folder(folder: Path) -> Words:
    return ("data", "verify", write_data(folder))


@case(KIND, refused="of the pixels are 255, which is ignored; if that is a class")
def masks_of_0_and_255(folder: Path) -> Words:
    return ("data", "verify", write_data(folder, 255))


@case(KIND, refused="the labels show only 'ground'; at least two are needed")
def training_on_masks_of_0_and_255(folder: Path) -> Words:
    (folder / "random.yaml").write_text(RANDOM)
    return fit_words(folder, write_data(folder, 255), "--config", folder / "random.yaml")


@case(KIND, told="255  roof  ", check=was_verified)
def masks_whose_table_names_255(folder: Path) -> Words:
    table = {"classes": {"0": "ground", "255": "roof"}, "ignore": 254}
    return ("data", "verify", write_data(folder, 255, table))


@case(KIND, refused="contains only 0 and 255; 255 means that the class is unknown; if it is")
def a_map_from_a_mask_of_0_and_255(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth() * np.uint8(255))
    return map_words(folder, write_scene(folder / "s.tif"), labels)


@case(KIND)
def a_map_from_a_mask_whose_table_names_255(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth() * np.uint8(255))
    table = {"classes": {"0": "background", "255": "roof"}, "ignore": 254}
    (folder / "classes.json").write_text(json.dumps(table))
    return map_words(folder, write_scene(folder / "s.tif"), labels)


@case(KIND)
def a_table_that_begins_with_a_mark(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth())
    table = {"classes": {"0": "background", "1": "roof"}}
    (folder / "classes.json").write_text(json.dumps(table), "utf-8-sig")
    return map_words(folder, write_scene(folder / "s.tif"), labels)


@case(KIND, told="3 images and their labels of 'data' are readable", check=was_verified)
def what_a_mac_leaves_beside_files(folder: Path) -> Words:
    root = write_data(folder)
    for part in ("images", "labels"):
        (root / part / "._a0.tif").write_bytes(b"\x00\x05\x16\x07")
    (root / "images" / "._alone.tif").write_bytes(b"\x00\x05\x16\x07")
    return ("data", "verify", root)


@case(KIND, told="note: 1 labels have no image and are not used", check=was_verified)
def labels_without_an_image(folder: Path) -> Words:
    root = write_data(folder)
    write_scene(root / "labels" / "b.tif", truth())
    return ("data", "verify", root)


@case(KIND, refused="differ only in their suffixes")
def two_labels_of_one_image(folder: Path) -> Words:
    root = write_data(folder)
    write_scene(root / "labels" / "a0.png", truth(), driver="PNG")
    return ("data", "verify", root)


@case(KIND, told="note: no pixel is 'water'", check=was_verified)
def a_class_that_is_never_drawn(folder: Path) -> Words:
    table = {"classes": {"0": "ground", "1": "roof", "2": "water"}}
    return ("data", "verify", write_data(folder, 1, table))


def add_table(name: str, content: str, refused: str) -> None:
    @case(KIND, refused=refused, name=name)
    def odd_table(folder: Path) -> Words:
        root = write_data(folder)
        (root / "classes.json").write_text(content, "utf-8", "surrogatepass")
        return ("data", "verify", root)


IDS = "unique ids from 0 to 255"
for name, content, refused in (
    ("a_table_nested_too_deeply", "[" * 100_000, "it is nested too deeply"),
    ("a_table_that_is_a_list", "[]", "is not a table of classes; expected"),
    ("a_table_cut_off", '{"classes": {"0": "a"', "is not a table of classes"),
    ("a_table_with_an_id_twice", '{"classes": {"1": "a", "01": "b"}}', IDS),
    (
        "a_table_with_a_name_twice",
        '{"classes": {"1": "a", "1": "b"}}',
        "it has a duplicate key '1'",
    ),
    ("a_table_of_negative_ids", '{"classes": {"-1": "a"}}', IDS),
    ("a_table_with_an_id_of_words", '{"classes": {"roof": "0"}}', "is not a table of classes"),
    ("a_table_with_nan", '{"classes": {"1": NaN}}', "it holds NaN, which is not a number"),
    ("a_table_that_ignores_words", '{"classes": {"1": "a"}, "ignore": "x"}', "not a table"),
    ("splits_that_are_a_word", '{"classes": {"0": "a", "1": "b"}, "published_pairs": 3}', "cannot"),
):
    add_table(name, content, refused)


@case(KIND, refused="is not readable JSON: it is nested too deeply")
def splits_nested_too_deeply(folder: Path) -> Words:
    root = write_data(folder)
    (root / "splits.json").write_text("[" * 100_000)
    return ("data", "verify", root)


@case(KIND, refused="it is an archive with s.tif, e.gpkg; use one of them as /vsizip/")
def a_scene_in_an_archive(folder: Path) -> Words:
    return map_words(folder, pack(folder), folder / "e.gpkg")


@case(KIND, refused="it is an archive with s.tif, e.gpkg; use one of them as /vsizip/")
def examples_in_an_archive(folder: Path) -> Words:
    return map_words(folder, folder / "s.tif", pack(folder))


def pack(folder: Path) -> Path:
    import zipfile

    files = write_scene(folder / "s.tif"), write_vectors(folder / "e.gpkg")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return folder / "all.zip"


@case(KIND, refused="cannot be reached; expected a connection, or a local file; give a file")
def weights_that_must_be_fetched(folder: Path) -> Words:
    """Tests, and the benchmark, have no network."""
    return fit_words(folder, write_data(folder))
