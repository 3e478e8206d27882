"""What is kept of unfinished maps: whose parts they are, and nothing that leads elsewhere."""

import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewscape.core import ConfigError, FewscapeError, ResultsError
from fewscape.mapping import Journal
from fewscape.mapping.plan import make_key, make_slugs
from tests.hostile.cases import call, map_words
from tests.hostile.invented import (
    BOXES,
    outline,
    paint,
    truth,
    write_json,
    write_scene,
    write_vectors,
)


@pytest.fixture
def parts(tmp_path):
    """One finished share of a map that has two."""
    scene, examples = write_scene(tmp_path / "s.tif"), write_vectors(tmp_path / "e.gpkg")
    code, text = call(map_words(tmp_path, scene, examples, "--shard", "1/2", "--window", 64))
    assert code == 0, text
    (folder,) = (tmp_path / "out").glob(".fewscape-s-*")
    return folder


def alter(folder, **changes):
    """Another plan, under the name that it should have."""
    content = json.loads((folder / "plan.json").read_text()) | changes
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    stem = str(content["stem"]).replace("/", "_").replace("..", "_")
    place = folder.with_name(f".fewscape-{stem}-{make_key(text)}")
    folder.rename(place)
    (place / "plan.json").write_text(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"stem": "../../outside"},
        {"stem": "/tmp/outside"},
        {"stem": ""},
        {"stem": 3},
        {"layers": [{"ending": "/../../outside", "description": "x"}]},
        {"layers": [{"ending": "classes", "description": "x"}]},
        {"bounds": [0, 1]},
        {"bounds": [0, 96, 96]},
        {"scores": [7]},
        {"colours": [[0, 0, 900]]},
        {"class_names": [["roof"]]},
        {"grid": {}},
        {"outputs": {"min_area": 1, "command": "rm"}},
        {"tags": {"MODEL": 3}},
    ],
)
def test_crafted_plans_write_nothing_anywhere(tmp_path, parts, changes):
    alter(parts, **changes)
    before = sorted(tmp_path.rglob("*"))
    code, text = call(["merge", tmp_path / "out"])
    assert code == 2, text
    assert "is not a valid map plan" in text
    assert sorted(tmp_path.rglob("*")) == before


def test_a_plan_that_was_altered_in_place_is_no_plan(tmp_path, parts):
    text = (parts / "plan.json").read_text()
    (parts / "plan.json").write_text(text.replace('"nodata": null', '"nodata": 7'))
    code, text = call(["merge", tmp_path / "out"])
    assert (code, "it is not the plan that its folder is named after" in text) == (2, True)


def test_two_maps_of_one_scene_are_not_mixed(tmp_path, parts):
    shutil.copytree(parts, copy := parts.with_name(".fewscape-copy"))
    alter(copy, settings={"threshold": 0.9})
    code, text = call(["merge", tmp_path / "out"])
    assert (code, "hold parts of two maps of 's'" in text) == (2, True)


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    )
)
@settings(max_examples=60)
def test_no_plan_whatever_is_a_defect(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("plans") / ".fewscape-s-0"
    folder.mkdir()
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "plan.json").write_bytes(data)
    with pytest.raises(ResultsError):
        Journal.find(folder.parent)


@given(st.lists(st.text(max_size=300), max_size=9, unique=True))
def test_slugs_are_different_names_of_files(names):
    slugs = make_slugs(names)
    assert len({slug.casefold() for slug in slugs}) == len(names)
    assert all("/" not in slug and slug not in ("", ".", "..") for slug in slugs)
    assert all(len(slug.encode()) < 120 for slug in slugs)


def keys(folder):
    return {path.name for path in (folder / "out").glob(".fewscape-*")}


def make_share(folder, scene, examples, *more):
    code, text = call(map_words(folder, scene, examples, "--shard", "1/2", "--window", 64, *more))
    assert code == 0, text
    return keys(folder)


def test_a_share_with_other_attributes_has_another_key(tmp_path):
    scene = write_scene(tmp_path / "s.tif")
    drawn = [outline(0), outline(1), outline(2)]
    for number, names in enumerate((["a", "a", "b"], ["b", "a", "a"])):
        write_vectors(tmp_path / "e.shp", drawn, names, geometry_type="Polygon")
        assert len(make_share(tmp_path, scene, tmp_path / "e.shp")) == number + 1


def test_a_share_with_other_names_of_ids_has_another_key(tmp_path):
    scene, labels = write_scene(tmp_path / "s.tif"), write_scene(tmp_path / "l.tif", truth())
    for number, name in enumerate(("roof", "road")):
        write_json(tmp_path / "classes.json", {"classes": {"0": "background", "1": name}})
        assert len(make_share(tmp_path, scene, labels)) == number + 1


def test_a_share_of_a_virtual_raster_with_other_pixels_has_another_key(tmp_path):
    write_scene(tmp_path / "source.tif")
    vrt = tmp_path / "s.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename '
        f'relativeToVRT="1">source.tif</SourceFilename><SourceBand>{band}</SourceBand>'
        "</SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    vrt.write_text(
        f'<VRTDataset rasterXSize="96" rasterYSize="96"><SRS>EPSG:32632</SRS>'
        f"<GeoTransform>500000, .5, 0, 5400000, 0, -.5</GeoTransform>{bands}</VRTDataset>"
    )
    examples = write_vectors(tmp_path / "e.gpkg")
    assert len(make_share(tmp_path, vrt, examples)) == 1
    pixels = paint()
    row, col = BOXES[3][:2]
    pixels[:, row + 3, col + 3] ^= 64  # between the places that the fingerprint looks at
    write_scene(tmp_path / "source.tif", pixels)
    assert len(make_share(tmp_path, vrt, examples)) == 2


def test_errors_of_names_are_ours():
    with pytest.raises(ConfigError, match="two files of the map"):
        raise_names(["a.tif", "A.tif"])
    with pytest.raises(FewscapeError, match="bytes, too many"):
        raise_names(["a" * 300])


def raise_names(names):
    from fewscape.mapping.plan import check_file_names

    check_file_names(names)
