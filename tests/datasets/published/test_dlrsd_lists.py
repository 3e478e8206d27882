"""The lists of DLRSD-B, in both notations."""

import json

import numpy as np
import pytest

from fewscape.core import ConfigError, DatasetError
from fewscape.datasets.lists import read_class_lists
from fewscape.datasets.protocols import DLRSD_B
from fewscape.datasets.published import prepare_dlrsd
from fewscape.datasets.published.dlrsd import COUNTS, NAMES
from fewscape.datasets.published.dlrsd_lists import PAIRS
from tests.datasets.published.invented import as_png, write_dlrsd, write_dlrsd_lists


@pytest.fixture
def source(tmp_path):
    return tmp_path / "source"


@pytest.fixture
def truth(source):
    return write_dlrsd(source, np.random.default_rng(0), images=6)


def test_published_pairs_are_no_more_than_the_images_of_their_classes():
    for fold, numbers in enumerate(DLRSD_B):
        images = sum(COUNTS[number - 1] for number in numbers)
        assert PAIRS["train"][fold] + PAIRS["val"][fold] == images


@pytest.mark.parametrize("layout", ["pcfnet", "icpd"])
def test_lists_are_kept_class_by_class(tmp_path, source, truth, layout):
    pairs = write_dlrsd_lists(source, truth, layout)
    report = prepare_dlrsd(source, tmp_path / "dlrsd")
    lists = read_class_lists(tmp_path / "dlrsd", "dlrsd-b")
    for split, folds in pairs.items():
        for fold, expected in enumerate(folds):
            own = lists[split][fold]
            assert list(own) == [NAMES[number - 1] for number in DLRSD_B[fold]]
            found = {(stem, NAMES.index(name) + 1) for name in own for stem in own[name]}
            assert found == expected
    counts = ", ".join(str(len(own)) for own in pairs["val"])
    assert f"dlrsd-b val: {counts} listed pairs in the folds, of 772, 783, 515" in report.lines()
    assert not report.unshown


def test_without_lists_there_are_none_and_that_is_said(tmp_path, source, truth):
    report = prepare_dlrsd(source, tmp_path / "dlrsd")
    assert any(line.startswith("no lists of dlrsd-b") for line in report.lines())
    with pytest.raises(
        DatasetError,
        match=r"has no lists.json, .* expected .*PCFNet's DLRSD_5i/\{trn,val\}/split\{0,1,2\}.txt"
        r".*; add these files to --source, delete '.*dlrsd' and run fewscape data prepare again",
    ):
        read_class_lists(tmp_path / "dlrsd", "dlrsd-b")


def test_pairs_that_the_labels_do_not_show_are_counted(tmp_path, source, truth):
    pairs = write_dlrsd_lists(source, truth)
    stem, number = min(pairs["val"][0])
    labels = np.where(truth[stem] == number, 8, truth[stem])
    (source / "DLRSD" / "Labels" / "airplane" / f"{stem}.png").write_bytes(as_png(labels))
    report = prepare_dlrsd(source, tmp_path / "dlrsd")
    assert report.unshown == [f"{stem} / {NAMES[number - 1]}"]
    told = "1 listed pairs of image and class are not in the labels (first: airplane"
    assert any(line.startswith(told) for line in report.lines())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("airplane/airplane77_1", "names the image 'airplane77', which is absent; expected every"),
        ("airplane/airplane00_8", r"names the class 8 \(image 'airplane00'\); fold 0 of dlrsd-b"),
        ("airplane/airplane00_18", "row 'airplane/airplane00_18'; expected .* from 1 to 17"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(tmp_path, source, truth, row, message):
    write_dlrsd_lists(source, truth)
    path = source / "DLRSD_5i" / "trn" / "split0.txt"
    path.write_text(path.read_text() + row)
    with pytest.raises(DatasetError, match=message):
        prepare_dlrsd(source, tmp_path / "dlrsd")


def test_a_missing_or_doubled_list_is_told(tmp_path, source, truth):
    write_dlrsd_lists(source, truth)
    path = source / "DLRSD_5i" / "trn" / "split2.txt"
    text = path.read_text()
    path.unlink()
    with pytest.raises(DatasetError, match="the one for train, fold 2 is absent; expected PCFNet"):
        prepare_dlrsd(source, tmp_path / "dlrsd")
    path.write_text(text)
    write_dlrsd_lists(source, truth, "icpd")
    with pytest.raises(DatasetError, match=r"split0.txt' and '.*fold0.txt' are the same list"):
        prepare_dlrsd(source, tmp_path / "dlrsd")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not readable JSON: .*; expected"),
        ("[]", "is not a table of lists; expected"),
        ('{"dlrsd-b": {"val": [["a"]]}}', "is not a table of lists; expected"),
        ('{"dlrsd-b": {"val": [{"ship": [1]}]}}', "is not a table of lists; expected"),
    ],
)
def test_a_spoilt_file_is_told(tmp_path, content, message):
    (tmp_path / "lists.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_class_lists(tmp_path, "dlrsd-b")


def test_an_unknown_name_is_told(tmp_path):
    (tmp_path / "lists.json").write_text(json.dumps({"dlrsd-b": {"train": [], "val": []}}))
    with pytest.raises(ConfigError, match="no lists 'dlrsd_b'; did you mean 'dlrsd-b'"):
        read_class_lists(tmp_path, "dlrsd_b")
