"""iSAID tiles that others have cut, in their three layouts, and the cut of 512 pixels."""

import json

import numpy as np
import pytest

from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset, image_stem, read_splits
from fewscape.datasets.published import PREPARERS, prepare_isaid5i, prepare_isaid5i_512
from fewscape.datasets.published.isaid import ISAID5I_512, plan_tiles
from tests.datasets.published.invented import (
    ISAID_LAYOUTS,
    as_png,
    write_dlrsd,
    write_dlrsd_lists,
    write_isaid,
    write_isaid_tiles,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def made(tmp_path):
    return tmp_path / "made"


def any_list(source, layout):
    split = ISAID_LAYOUTS[layout][4]
    return source / ISAID_LAYOUTS[layout][2].format(split=split, fold=0)


def check_tiles(made, truth):
    dataset = FolderDataset(made)
    stems = [image_stem(dataset, index) for index in range(len(dataset))]
    assert sorted(stems) == sorted(stem for own in truth.values() for stem in own)
    for index, stem in enumerate(stems):
        expected = next(own[stem] for own in truth.values() if stem in own)
        np.testing.assert_array_equal(dataset.read_labels(index), expected)
    assert read_splits(made) == {split: sorted(own) for split, own in truth.items()}


@pytest.mark.parametrize("layout", ISAID_LAYOUTS)
@pytest.mark.parametrize("has_lists", [False, True])
def test_tiles_of_each_layout_are_those_of_its_lists(tmp_path, made, rng, layout, has_lists):
    truth = write_isaid_tiles(tmp_path / "source", rng, layout)
    if has_lists:
        for own in truth.values():
            own.pop(max(own))
    else:
        for path in (tmp_path / "source").rglob("*.txt"):
            path.unlink()
    report = prepare_isaid5i(tmp_path / "source", made)
    check_tiles(made, truth)
    assert report.images == {"train": 3 + (not has_lists), "val": 3 + (not has_lists)}
    assert not report.unshown
    shown = sum(len(np.setdiff1d(ids, 0)) for ids in truth["train"].values())
    assert f"train: {shown} of 28232 pairs of image and class" in report.lines()


@pytest.mark.parametrize("layout", ISAID_LAYOUTS)
def test_masks_are_known_by_their_folder_too(tmp_path, made, rng, layout):
    truth = write_isaid_tiles(tmp_path / "source", rng, layout)
    for path in (tmp_path / "source").rglob("*_instance_color_RGB.png"):
        path.rename(path.with_name(path.name.replace("_instance_color_RGB", "")))
    prepare_isaid5i(tmp_path / "source", made)
    for own in truth.values():
        own.pop(max(own))
    check_tiles(made, truth)


def test_rows_may_have_suffixes_folders_and_other_line_ends(tmp_path, made, rng):
    truth = write_isaid_tiles(tmp_path / "source", rng, "mgcl")
    for path in (tmp_path / "source").rglob("*.txt"):
        rows = path.read_text().split()
        spoilt = [row.replace("__", ".png__") for row in rows[::2]]
        spoilt += [f"train\\images\\{row}.png" for row in rows[1::2]]
        path.write_bytes("\r\n".join(["\ufeff" + spoilt[0], "", *spoilt[1:]]).encode())
    prepare_isaid5i(tmp_path / "source", made)
    for own in truth.values():
        own.pop(max(own))
    check_tiles(made, truth)


@pytest.mark.parametrize("layout", ISAID_LAYOUTS)
def test_listed_tiles_that_are_absent_are_told_and_counted(tmp_path, made, rng, layout):
    truth = write_isaid_tiles(tmp_path / "source", rng, layout)
    first, second = sorted(truth["train"])[:2]
    for path in (tmp_path / "source").rglob("*.png"):
        if path.name.startswith((first, second)):
            path.unlink()
    with pytest.raises(
        DatasetError,
        match=rf"the list '.*txt' names the tile '{first}', which is absent, as are 1 more; exp",
    ):
        prepare_isaid5i(tmp_path / "source", made)
    assert not made.exists()


def test_pairs_that_the_mask_does_not_show_are_counted(tmp_path, made, rng):
    truth = write_isaid_tiles(tmp_path / "source", rng, "mgcl")
    stem, ids = next(iter(truth["train"].items()))
    number = next(number for number in range(1, 6) if not (ids == number).any())
    path = any_list(tmp_path / "source", "mgcl")
    path.write_text(path.read_text() + f"{stem}__{number}\n")
    report = prepare_isaid5i(tmp_path / "source", made)
    names = FolderDataset(made).classes
    told = f"1 listed pairs of image and class are not in the labels (first: {stem} / "
    assert f"{told}{names[number]})" in report.lines()


def test_what_is_wrong_with_a_list_is_told(tmp_path, made, rng):
    write_isaid_tiles(tmp_path / "source", rng, "mgcl")
    path = any_list(tmp_path / "source", "mgcl")
    kept = path.read_text()
    for row, message in (
        ("P0000_0_64_206_270", r"has the row 'P0000_0_64_206_270'; expected the name of an image"),
        (
            "P0000_0_64_206_270__16",
            r"__16'; expected the name of an image and a class from 1 to 15",
        ),
        ("P0000_0_64_206_270__0", r"__0'; expected the name of an image and a class from 1"),
    ):
        path.write_text(kept + row)
        with pytest.raises(DatasetError, match=message):
            prepare_isaid5i(tmp_path / "source", made)
    path.write_text("\n")
    with pytest.raises(DatasetError, match=r"fold0.txt' is empty; expected a row"):
        prepare_isaid5i(tmp_path / "source", made)
    path.unlink()
    with pytest.raises(DatasetError, match=r"beside '.*fold1.txt' the list of fold 0 is absent"):
        prepare_isaid5i(tmp_path / "source", made)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"fold0.txt' is not text"):
        prepare_isaid5i(tmp_path / "source", made)
    path.write_text(kept)
    twice = tmp_path / "source" / "trn" / "list" / "split0.txt"
    twice.parent.mkdir(parents=True)
    twice.write_text(kept)
    with pytest.raises(DatasetError, match=r"fold0.txt' and '.*split0.txt' are the same list"):
        prepare_isaid5i(tmp_path / "source", made)


def test_unknown_ids_are_all_told(tmp_path, made, rng):
    truth = write_isaid_tiles(tmp_path / "source", rng, "r2net")
    stem, ids = next(iter(truth["val"].items()))
    ids[:2], ids[2:4] = 16, 200
    name = f"{stem}_instance_color_RGB.png"
    (tmp_path / "source" / "ann_dir" / "val" / name).write_bytes(as_png(ids))
    with pytest.raises(
        DatasetError, match=rf"val/{name}' contains the id 16, 200; expected 0 to 15, and 255"
    ):
        prepare_isaid5i(tmp_path / "source", made)


def test_two_copies_of_a_tile_are_told(tmp_path, made, rng):
    source = tmp_path / "source"
    truth = write_isaid_tiles(source, rng, "r2net")
    stem = next(iter(truth["train"]))
    image = source / "img_dir" / "train" / f"{stem}.png"
    for split in ("train", "val"):  # once more in its own split, then in the other
        copy = source / "more" / split / f"{stem}.png"
        copy.parent.mkdir(parents=True)
        copy.write_bytes(image.read_bytes())
        with pytest.raises(DatasetError, match=rf"{stem}.png' and '.*{stem}.png' are the same im"):
            prepare_isaid5i(source, made)
        copy.unlink()


def test_original_images_and_their_tiles_in_one_folder_are_told(tmp_path, made, rng):
    source = tmp_path / "source"
    truth = write_isaid(source, rng)
    stem = "P0000_0_256_0_256"
    for name, pixels in (
        ("images", rng.integers(0, 256, (256, 256, 3)).astype(np.uint8)),
        ("semantic_png", truth["P0000"][:256, :256]),
    ):
        (source / "train" / name).mkdir(exist_ok=True)
        (source / "train" / name / f"{stem}.png").write_bytes(as_png(pixels))
    with pytest.raises(DatasetError, match=rf"has the image '{stem}' twice"):
        prepare_isaid5i(source, made)


def test_lists_choose_among_the_tiles_that_are_cut_here(tmp_path, made, rng):
    source = tmp_path / "source"
    truth = write_isaid(source, rng)
    (source / "splits" / "train").mkdir(parents=True)
    shown = int(truth["P0000"][:256, :256].max())
    rows = [f"P0000_0_256_0_256__{shown}", f"P0000_44_300_294_550__{shown}"]
    for fold in range(3):
        (source / "splits" / "train" / f"fold{fold}.txt").write_text("\n".join(rows))
    report = prepare_isaid5i(source, made)
    assert read_splits(made)["train"] == ["P0000_0_256_0_256", "P0000_44_300_294_550"]
    assert report.images["train"] == 2
    (source / "splits" / "train" / "fold0.txt").write_text("P0000_1_257_0_256__1")
    with pytest.raises(DatasetError, match=r"names the tile 'P0000_1_257_0_256', which is absent;"):
        prepare_isaid5i(source, tmp_path / "other")
    assert not (tmp_path / "other" / "classes.json").exists()


def test_lists_of_another_data_set_in_the_same_download_do_not_matter(tmp_path, made, rng):
    source = tmp_path / "downloads"
    truth = write_isaid_tiles(source, rng, "mgcl")
    write_dlrsd_lists(source, write_dlrsd(source, rng))
    for own in truth.values():
        own.pop(max(own))
    prepare_isaid5i(source, made)
    check_tiles(made, truth)
    PREPARERS["dlrsd"](source, tmp_path / "dlrsd", lambda name: None)
    assert len(json.loads((tmp_path / "dlrsd" / "lists.json").read_text())["dlrsd-b"]["val"]) == 3


def test_512_pixel_tiles_are_taken_as_cut_and_counted(tmp_path, made, rng):
    truth = write_isaid_tiles(tmp_path / "source", rng, "r2net", side=512)
    with pytest.raises(
        DatasetError,
        match=r"has 512 x 512 pixels; expected at most 256 x 256 for 'isaid5i'; run fewscape data "
        "prepare isaid5i-512",
    ):
        prepare_isaid5i(tmp_path / "source", tmp_path / "other")
    report = prepare_isaid5i_512(tmp_path / "source", made)
    for own in truth.values():
        own.pop(max(own))
    check_tiles(made, truth)
    assert report.lines() == ["train: 3 of 22972 images", "val: 3 of 7581 images"]


def test_512_pixel_tiles_are_cut_from_original_isaid_too(tmp_path, made, rng):
    truth = write_isaid(tmp_path / "source", rng, size=600)
    report = PREPARERS["isaid5i-512"](tmp_path / "source", made, lambda name: None)
    assert plan_tiles(850, ISAID5I_512.side, ISAID5I_512.stride) == [0, 338]
    assert plan_tiles(1000, 512, 412) == [0, 412, 488]
    dataset = FolderDataset(made)
    for index in range(len(dataset)):
        stem, top, bottom, left, right = image_stem(dataset, index).split("_")
        labels = dataset.read_labels(index)
        assert labels.shape == (512, 512)
        rows, cols = slice(int(top), int(bottom)), slice(int(left), int(right))
        np.testing.assert_array_equal(labels, truth[stem][rows, cols])
    assert len(dataset) == 8
    assert [line for line in report.lines() if "stride of the published tiles" in line]
