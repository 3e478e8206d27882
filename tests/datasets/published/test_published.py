import json
import zipfile

import numpy as np
import pytest

from fewscape.cli.data import PUBLISHED
from fewscape.cli.main import main
from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset, choose_areas, image_stem, read_splits
from fewscape.datasets.published import PREPARERS, decode_colours
from fewscape.datasets.published.isprs import ERODED, PALETTE, POTSDAM, VAIHINGEN
from tests.datasets.published.invented import (
    ISPRS_COLOURS,
    as_png,
    as_tiff,
    write_loveda,
    write_potsdam,
    write_vaihingen,
    zip_files,
)

TILES = {"vaihingen": (1, 30, 2), "potsdam": ("2_11", "2_10", "6_13", "7_10")}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def prepare(name, folder):
    output = folder / "prepared"
    report = PREPARERS[name](folder / "source", output, lambda image: None)
    return output, report


def stems(dataset, split, folder):
    areas = choose_areas(dataset, [split], read_splits(folder))
    return [image_stem(dataset, area.image) for area in areas]


def test_the_command_knows_every_data_set():
    assert set(PUBLISHED) == set(PREPARERS)


def test_loveda_shifts_its_ids_and_ignores_no_data(tmp_path, rng):
    masks = write_loveda(tmp_path / "source", rng)
    output, report = prepare("loveda", tmp_path)
    dataset = FolderDataset(output)
    assert len(dataset) == 6
    assert dataset.classes[0] == "background"
    assert dataset.classes[6] == "agricultural"
    for index in range(4):
        raw = masks[image_stem(dataset, index)]
        np.testing.assert_array_equal(dataset.read_labels(index), np.where(raw == 0, 255, raw - 1))
    assert (dataset.read_labels(5) == 255).all()
    assert stems(dataset, "test", output) == ["4", "5"]
    assert report.lines()[0] == "train: 2 of 2522 images"


def test_loveda_images_are_copied_byte_by_byte(tmp_path, rng):
    write_loveda(tmp_path / "source", rng)
    output, _ = prepare("loveda", tmp_path)
    with zipfile.ZipFile(tmp_path / "source" / "Train.zip") as archive:
        assert (
            archive.read("Train/Urban/images_png/0.png") == (output / "images/0.png").read_bytes()
        )


def test_an_unpacked_download_serves_too(tmp_path, rng):
    write_loveda(tmp_path / "zipped", rng)
    for path in (tmp_path / "zipped").iterdir():
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "source")
    output, report = prepare("loveda", tmp_path)
    assert report.images == {"train": 2, "val": 2, "test": 2}
    assert len(FolderDataset(output)) == 6


@pytest.mark.parametrize(
    ("name", "write", "kind"),
    [("vaihingen", write_vaihingen, VAIHINGEN), ("potsdam", write_potsdam, POTSDAM)],
)
def test_isprs_colours_become_ids_in_both_variants(tmp_path, rng, name, write, kind):
    truth = write(tmp_path / "source", rng, TILES[name])
    output, report = prepare(name, tmp_path)
    assert not report.unlisted
    for variant, place in (("labels", 0), (ERODED, 1)):
        dataset = FolderDataset(output, labels=variant)
        assert len(dataset) == len(truth)
        for index in range(len(dataset)):
            tile = image_stem(dataset, index).removeprefix(kind.stem)
            ids = truth[tile][place]
            expected = np.where(ids == 6, 255, ids)
            np.testing.assert_array_equal(dataset.read_labels(index), expected)
    assert stems(dataset, "train", output) == [f"{kind.stem}{TILES[name][0]}"]
    assert stems(dataset, "val", output) == [f"{kind.stem}{TILES[name][1]}"]
    assert json.loads((output / "classes.json").read_text())["unscored"] == ["clutter"]


def test_the_official_splits_are_complete_and_apart():
    for kind, counts in ((VAIHINGEN, (15, 1, 17)), (POTSDAM, (22, 1, 14))):
        tiles = [kind.splits[name] for name in ("train", "val", "test")]
        assert tuple(map(len, tiles)) == counts
        everything = [tile for part in kind.splits.values() for tile in part]
        assert len(everything) == len(set(everything))
    assert sum(map(len, VAIHINGEN.splits.values())) == 33
    assert sum(map(len, POTSDAM.splits.values())) == 38


def test_unlisted_colours_are_ignored_and_told_once(tmp_path, rng, capsys):
    source = tmp_path / "source"
    write_vaihingen(source, rng, (1,))
    labels = ISPRS_COLOURS[np.repeat([0, 1], [8, 1])[:, None].repeat(7, axis=1)]
    labels[0, :3] = (250, 250, 250)
    name = "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE.zip"
    (source / name).write_bytes(zip_files({"top_mosaic_09cm_area1.tif": as_tiff(labels)}))
    with zipfile.ZipFile(source / "ISPRS_semantic_labeling_Vaihingen.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if "gts" not in n}
    (source / "ISPRS_semantic_labeling_Vaihingen.zip").write_bytes(zip_files(kept))
    words = ["prepare", "vaihingen", "--source", source, "--output", tmp_path / "out"]
    assert main(["data", *map(str, words)]) == 0
    told = capsys.readouterr().out
    assert told.count("3 pixels in 1 label files have a colour of no class; they are ignored") == 1
    read = FolderDataset(tmp_path / "out").read_labels(0)
    assert (read[0, :3] == 255).all()
    assert (read[1:8] == 0).all()
    assert main(["data", "verify", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "splits: train 1" in told
    assert "1 images and their labels, labels_eroded of 'out' are readable" in told


def test_decoding_agrees_with_the_loop(rng):
    picture = ISPRS_COLOURS[rng.integers(0, 7, (5, 6))].copy()
    picture[0, 0] = (1, 2, 3)
    ids, unlisted = decode_colours(picture, PALETTE)
    for place in np.ndindex(5, 6):
        assert ids[place] == PALETTE.get(tuple(picture[place].tolist()), 255)
    assert unlisted == 1


def break_nothing(source):
    source.mkdir()


def break_masks(source):
    write_loveda(source, np.random.default_rng(0))
    with zipfile.ZipFile(source / "Val.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if "masks_png/2" not in n}
    (source / "Val.zip").write_bytes(zip_files(kept))


def break_archive(source):
    write_loveda(source, np.random.default_rng(0))
    (source / "Val.zip").write_bytes((source / "Val.zip").read_bytes()[:200])


def break_names(source):
    write_loveda(source, np.random.default_rng(0))
    twice = {"Val/Rural/images_png/0.png": as_png(np.zeros((8, 8, 3), np.uint8))}
    (source / "copy.zip").write_bytes(zip_files(twice))


def break_ids(source):
    write_loveda(source, np.random.default_rng(0))
    mask = as_png(np.full((8, 8), 9, np.uint8))
    (source / "more.zip").write_bytes(zip_files({"Train/Urban/masks_png/0.png": mask}))
    with zipfile.ZipFile(source / "Train.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if "masks_png/0" not in n}
    (source / "Train.zip").write_bytes(zip_files(kept))


def break_size(source):
    write_loveda(source, np.random.default_rng(0), size=8)
    with zipfile.ZipFile(source / "Train.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist()}
    kept["Train/Urban/masks_png/0.png"] = as_png(np.ones((8, 9), np.uint8))
    (source / "Train.zip").write_bytes(zip_files(kept))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_nothing, r"has no files of LoveDA; expected Train\.zip"),
        (break_masks, r"the val image '2' has no mask"),
        (break_archive, r"Val\.zip' cannot be read: .*download it again"),
        (break_names, r"0\.png' are the same image"),
        (break_ids, r"contains the id 9; expected 0 to 7"),
        (break_size, r"the labels of '0' have 8 x 9 pixels; the image has 8 x 8"),
    ],
)
def test_a_spoilt_download_is_told_and_leaves_no_complete_data_set(tmp_path, spoil, message):
    spoil(tmp_path / "source")
    with pytest.raises(DatasetError, match=message):
        prepare("loveda", tmp_path)
    with pytest.raises(DatasetError, match=r"classes\.json'|was interrupted.*run again: fewscape"):
        FolderDataset(tmp_path / "prepared")


def test_missing_isprs_labels_are_told(tmp_path, rng):
    write_potsdam(tmp_path / "source", rng, ("2_11",))
    with zipfile.ZipFile(tmp_path / "source" / "Potsdam.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if "noBoundary" not in n}
    (tmp_path / "source" / "Potsdam.zip").write_bytes(zip_files(kept))
    with pytest.raises(
        DatasetError, match=r"tile 2_11 of Potsdam has no eroded labels; expected 2_O"
    ):
        prepare("potsdam", tmp_path)
    with pytest.raises(DatasetError, match=r"has no image of Vaihingen"):
        PREPARERS["vaihingen"](tmp_path / "source", tmp_path / "other", lambda image: None)


def test_a_finished_data_set_is_not_overwritten(tmp_path, rng):
    write_loveda(tmp_path / "source", rng)
    prepare("loveda", tmp_path)
    with pytest.raises(DatasetError, match="already has a data set"):
        prepare("loveda", tmp_path)
    with pytest.raises(DatasetError, match=r"there is no '.*absent'"):
        PREPARERS["loveda"](tmp_path / "absent", tmp_path / "other", lambda image: None)
