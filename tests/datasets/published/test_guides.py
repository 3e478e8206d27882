"""What is told where a data set is missing."""

import re

import pytest

from fewscape.cli.main import main
from fewscape.core import DatasetError
from fewscape.datasets.protocols import PROTOCOLS
from fewscape.datasets.published import GUIDES, PREPARERS, check_prepared

ADDRESSES = {
    "dlrsd": (
        "http://weegee.vision.ucmerced.edu/datasets/landuse.html",
        "https://sites.google.com/view/zhouwx/dataset",
    ),
    "isaid5i": ("https://captain-whu.github.io/iSAID", "https://captain-whu.github.io/DOTA"),
    "isaid5i-512": ("https://captain-whu.github.io/iSAID", "https://captain-whu.github.io/DOTA"),
    "loveda": ("https://zenodo.org/records/5706578",),
    "potsdam": ("https://www.isprs.org/education/benchmarks/UrbanSemLab/default.aspx",),
    "vaihingen": ("https://www.isprs.org/education/benchmarks/UrbanSemLab/default.aspx",),
}
FILES = {
    "dlrsd": ("Images/airplane/airplane00.tif", "Labels/airplane/airplane00.png", "split{0,1,2}"),
    "isaid5i": ("P0000_instance_color_RGB.png", "semantic_png", "lists/iSAID/{train,val}.txt"),
    "isaid5i-512": ("P0000_instance_color_RGB.png", "lists/iSAID/{train,val}.txt"),
    "loveda": ("Train.zip", "masks_png"),
    "potsdam": ("5_Labels_all_noBoundary.zip",),
    "vaihingen": ("ISPRS_semantic_labeling_Vaihingen.zip",),
}


def test_there_is_a_guide_for_every_data_set():
    assert set(GUIDES) == set(PREPARERS) == set(ADDRESSES)
    assert all(guide.name == name for name, guide in GUIDES.items())


@pytest.mark.parametrize("name", PREPARERS)
def test_an_empty_source_says_what_to_download_from_where(tmp_path, name):
    with pytest.raises(DatasetError, match=re.escape(f"'{tmp_path}' has no")) as raised:
        PREPARERS[name](tmp_path, tmp_path / "made", lambda image: None)
    told = str(raised.value)
    for part in (*ADDRESSES[name], *FILES[name], "check --source, or download into one folder"):
        assert part in told
    command = f"fewscape data prepare {name} --source {tmp_path} --output data/{name}"
    assert told.endswith(f"and run: {command}")
    assert not (tmp_path / "made").exists()


def test_a_prepared_folder_is_let_be(tmp_path):
    (tmp_path / "isaid5i").mkdir()
    check_prepared(tmp_path, GUIDES["isaid5i"])


def test_a_missing_folder_says_what_to_download(tmp_path):
    with pytest.raises(DatasetError, match=rf"no folder '{tmp_path}/isaid5i'; .* root,") as raised:
        check_prepared(tmp_path, GUIDES["isaid5i"])
    told = str(raised.value)
    assert all(address in told for address in ADDRESSES["isaid5i"])
    assert told.endswith(f"prepare isaid5i --source downloads --output {tmp_path / 'isaid5i'}")


def test_a_wrong_root_is_told(tmp_path):
    with pytest.raises(DatasetError, match=rf"there is no folder '{tmp_path}/absent'; .*the root"):
        check_prepared(tmp_path / "absent", GUIDES["dlrsd"])
    own = tmp_path / "dlrsd"
    own.mkdir()
    (own / "classes.json").write_text("{}")
    with pytest.raises(
        DatasetError, match=rf"'{own}' is itself a data set .*; give '{tmp_path}' as root, or"
    ):
        check_prepared(own, GUIDES["dlrsd"])
    with pytest.raises(DatasetError, match=rf"--output {tmp_path}/isaid5i$"):
        check_prepared(own, GUIDES["isaid5i"])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_command_says_what_a_protocol_needs(tmp_path, capsys, name):
    dataset = PROTOCOLS[name].dataset
    words = ["episodes", "make", "--protocol", name, "--root", tmp_path]
    assert main([str(word) for word in [*words, "--output", tmp_path / "made.json"]]) == 2
    told = capsys.readouterr().err
    assert f"there is no folder '{tmp_path / dataset}'" in told
    assert all(address in told for address in ADDRESSES[dataset])
    command = f"prepare {dataset} --source downloads --output {tmp_path / dataset}"
    assert command in told
    assert not (tmp_path / "made.json").exists()
