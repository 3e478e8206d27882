"""iSAID-5i and DLRSD from archives of the exact layout."""

import json

import numpy as np
import pytest

from fewscape.cli.main import main
from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset, image_stem, read_splits
from fewscape.datasets.published import prepare_dlrsd, prepare_isaid5i
from fewscape.datasets.published.dlrsd import COUNTS
from fewscape.datasets.published.isaid import ISAID, PAIRS, TILES, plan_tiles
from tests.datasets.published.invented import as_png, write_dlrsd, write_isaid


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_tables_are_those_of_the_specification():
    """Pairs of the lists: 28,232 and 10,063; per fold 3,108, 3,657 and 3,298 for the test."""
    assert {split: sum(counts) for split, counts in PAIRS.items()} == {
        "train": 28_232,
        "val": 10_063,
    }
    per_fold = [sum(PAIRS["val"][5 * fold : 5 * fold + 5]) for fold in range(3)]
    assert per_fold == [3108, 3657, 3298]
    base = [28_232 - sum(PAIRS["train"][5 * fold : 5 * fold + 5]) for fold in range(3)]
    assert base == [19_142, 17_197, 20_125]
    assert TILES == {"train": 18_076, "val": 6_363}
    assert [sum(COUNTS[5 * fold : 5 * fold + 5]) for fold in range(3)] == [2580, 1387, 1926]
    assert len(set(ISAID.colours)) == 16


def test_isaid_is_cut_into_tiles_that_show_objects(tmp_path, rng):
    truth = write_isaid(tmp_path / "source", rng)
    report = prepare_isaid5i(tmp_path / "source", tmp_path / "made")
    dataset = FolderDataset(tmp_path / "made")
    assert plan_tiles(300) == [0, 44]
    assert plan_tiles(550) == [0, 206, 294]
    seen = set()
    for index in range(len(dataset)):
        stem, top, bottom, left, right = image_stem(dataset, index).split("_")
        rows, cols = slice(int(top), int(bottom)), slice(int(left), int(right))
        labels = dataset.read_labels(index)
        assert labels.shape == (256, 256)
        np.testing.assert_array_equal(labels, truth[stem][rows, cols])
        assert (labels > 0).any()
        seen.add((stem, int(top), int(left)))
    for stem, ids in truth.items():
        for row in plan_tiles(300):
            for col in plan_tiles(550):
                shown = (ids[row : row + 256, col : col + 256] > 0).any()
                assert ((stem, row, col) in seen) == shown
    splits = read_splits(tmp_path / "made")
    assert all(name.startswith("P0000") for name in splits["train"])
    assert report.lines()[0] == f"train: {len(splits['train'])} of 18076 images"
    assert any(line.startswith("train: ") and "of 28232 pairs" in line for line in report.lines())


def test_a_scene_smaller_than_a_tile_is_padded_with_unknown(tmp_path, rng):
    write_isaid(tmp_path / "source", rng, size=100)
    prepare_isaid5i(tmp_path / "source", tmp_path / "made")
    dataset = FolderDataset(tmp_path / "made")
    assert (dataset.read_labels(0)[100:] == 255).all()
    assert (dataset.read_image(0)[:, 100:] == 0).all()


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("{split}/images/{stem}.png", "{split}/semantic_png/{stem}_instance_color_RGB.png"),
        ("img_dir/{split}/{stem}.png", "ann_dir/{split}/{stem}_instance_color_RGB.png"),
    ],
)
@pytest.mark.parametrize("train", ["train", "trn"])
def test_tiles_that_others_have_cut_stay_as_they_are(tmp_path, rng, image, mask, train):
    for split in (train, "val"):
        for name, pixels in (
            (image, rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)),
            (mask, rng.integers(0, 16, (64, 64)).astype(np.uint8)),
        ):
            path = tmp_path / "source" / name.format(split=split, stem=f"{split}_P1_0_0")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_png(pixels))
    prepare_isaid5i(tmp_path / "source", tmp_path / "made")
    assert len(FolderDataset(tmp_path / "made")) == 2
    assert read_splits(tmp_path / "made") == {
        "train": [f"{train}_P1_0_0"],
        "val": ["val_P1_0_0"],
    }


def test_what_is_wrong_with_isaid_is_told(tmp_path, rng):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"has no files of iSAID; expected its images"):
        prepare_isaid5i(tmp_path / "empty", tmp_path / "made")
    write_isaid(tmp_path / "source", rng)
    masks = tmp_path / "source" / "val" / "Semantic_masks.zip"
    kept = masks.read_bytes()
    masks.unlink()
    with pytest.raises(DatasetError, match=r"the val image .*P0001.png' has no mask"):
        prepare_isaid5i(tmp_path / "source", tmp_path / "made")
    assert not (tmp_path / "made" / "classes.json").exists()
    masks.write_bytes(kept)
    (tmp_path / "source" / "val" / "copy.zip").write_bytes(kept)
    with pytest.raises(DatasetError, match="are the same mask"):
        prepare_isaid5i(tmp_path / "source", tmp_path / "made")


def test_an_unknown_id_in_a_tile_is_told(tmp_path, rng):
    for name, pixels in (
        ("train/images/a.png", rng.integers(0, 9, (8, 8, 3)).astype(np.uint8)),
        ("train/semantic_png/a_instance_color_RGB.png", np.full((8, 8), 31, np.uint8)),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(as_png(pixels))
    with pytest.raises(DatasetError, match=r"contains the id 31; expected 0 to 15, and 255"):
        prepare_isaid5i(tmp_path, tmp_path / "made")


def test_dlrsd_joins_images_and_labels(tmp_path, rng):
    truth = write_dlrsd(tmp_path / "source", rng)
    report = prepare_dlrsd(tmp_path / "source", tmp_path / "made")
    dataset = FolderDataset(tmp_path / "made")
    assert len(dataset) == 20
    assert dataset.classes[0] == "airplane"
    for index in range(len(dataset)):
        raw = truth[image_stem(dataset, index)]
        np.testing.assert_array_equal(dataset.read_labels(index), raw - 1)
    splits = {name: set(stems) for name, stems in read_splits(tmp_path / "made").items()}
    assert not splits["train"] & splits["val"]
    assert splits["train"] | splits["val"] == splits["all"] == set(truth)
    for scene in ("airplane", "beach"):
        assert sum(stem.startswith(scene) for stem in splits["train"]) == 7
    assert report.lines()[0] == "all: 20 of 2100 images"


def test_what_is_wrong_with_dlrsd_is_told(tmp_path, rng):
    write_dlrsd(tmp_path / "source", rng)
    labels = tmp_path / "source" / "DLRSD" / "Labels" / "beach"
    (labels / "beach03.png").write_bytes(as_png(np.full((16, 15), 18, np.uint8)))
    with pytest.raises(DatasetError, match=r"values from 18 to 18; expected one band with ids"):
        prepare_dlrsd(tmp_path / "source", tmp_path / "made")
    (labels / "beach03.png").unlink()
    with pytest.raises(DatasetError, match="the image 'beach03' has no labels"):
        prepare_dlrsd(tmp_path / "source", tmp_path / "made2")
    (tmp_path / "source" / "UCMerced_LandUse.zip").unlink()
    with pytest.raises(DatasetError, match="has no images of UC Merced"):
        prepare_dlrsd(tmp_path / "source", tmp_path / "made3")


def test_prepare_and_verify_count_pairs(tmp_path, rng, capsys):
    write_isaid(tmp_path / "source", rng)
    words = ["data", "prepare", "isaid5i", "--source", tmp_path / "source"]
    assert main([str(word) for word in [*words, "--output", tmp_path / "made"]]) == 0
    prepared = capsys.readouterr().out
    assert "  plane: " in prepared
    assert main(["data", "verify", str(tmp_path / "made")]) == 0
    verified = capsys.readouterr().out
    told = [line for line in prepared.splitlines() if " of 1890" in line]
    assert told
    assert set(told) <= set(verified.splitlines())
    table = json.loads((tmp_path / "made" / "classes.json").read_text())
    assert table["published_pairs"]["val"]["helicopter"] == 10


def test_the_command_counts_each_image_once(tmp_path, rng, capsys):
    write_dlrsd(tmp_path / "source", rng)
    words = ["data", "prepare", "dlrsd", "--source", tmp_path / "source"]
    assert main([str(word) for word in [*words, "--output", tmp_path / "made"]]) == 0
    assert f"wrote 20 images to {tmp_path / 'made'}" in capsys.readouterr().out
