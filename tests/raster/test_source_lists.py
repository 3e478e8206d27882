import json

import pytest

from fewscape.core import SceneError
from fewscape.raster import Retry, find_sources
from tests.raster.servers import RasterServer


@pytest.fixture
def folder(tmp_path):
    for name in ("b.tif", "a.TIF", "c.png", "a.tif.aux.xml", "notes.md", ".hidden.tif"):
        (tmp_path / name).touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.tif").touch()
    return tmp_path


def names(*given, **options):
    return [source.name for source in find_sources(list(map(str, given)), **options)]


def test_folders_give_their_rasters_by_name(folder):
    assert names(folder) == ["a.TIF", "b.tif", "c.png"]
    assert names(folder / "below", folder / "b.tif") == ["d.tif", "b.tif"]


def test_patterns(folder):
    assert names(folder / "*.tif") == ["b.tif"]
    assert names(folder / "**/*.tif") == ["b.tif", "d.tif"]
    assert names(folder / "a*") == ["a.TIF"]
    assert names(folder / "notes.*") == ["notes.md"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    (folder / "x[1].tif").touch()
    assert names(folder / "x[1].tif") == ["x[1].tif"]


def test_what_does_not_exist_is_told_when_it_is_opened(tmp_path):
    assert names(tmp_path / "absent.tif") == ["absent.tif"]


def test_lists_hold_whatever_the_command_line_takes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    path = folder / "list.txt"
    path.write_text("# scenes\n\nc.png\n  below \nhttps://host/e.tif?key=1\n*.tif\n")
    assert names(path) == ["c.png", "d.tif", "e.tif", "b.tif"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: (path / "empty").mkdir() or path / "empty", r"empty' has no raster"),
        (lambda path: path / "*.jp2", r"no file matches '.*\*\.jp2'; expected at least one"),
        (lambda path: write(path / "l.txt", "# nothing\n"), r"l\.txt' is empty"),
        (lambda path: write(path / "l.txt", "l.txt\n"), r"names the list 'l\.txt'"),
        (lambda path: write(path / "l.json", "{"), "is not readable JSON"),
        (lambda path: write(path / "l.json", '{"type": "Feature"}'), "holds no STAC items"),
        (lambda path: write(path / "l.json", "[]"), "holds no STAC items"),
        (lambda path: write(path / "l.json", '{"type": "FeatureCollection"}'), "no STAC items"),
    ],
)
def test_refuses_what_names_no_raster(folder, make, message):
    with pytest.raises(SceneError, match=message):
        names(make(folder))


def write(path, text):
    path.write_text(text)
    return path


def item(name, assets, **more):
    return {"type": "Feature", "id": name, "assets": assets, **more}


DATA = {"href": "image.tif", "roles": ["data"]}
VISUAL = {"href": "https://host/visual.tif", "roles": ["visual"]}


def find_one(tmp_path, content, asset=None):
    (source,) = find_sources([str(write(tmp_path / "i.json", json.dumps(content)))], asset)
    return source


@pytest.mark.parametrize(
    ("assets", "asset", "chosen"),
    [
        ({"image": DATA, "tn": VISUAL}, None, "image.tif"),
        ({"image": DATA, "tn": VISUAL}, "tn", "visual.tif"),
        ({"b1": DATA, "b2": DATA, "rgb": VISUAL}, None, "visual.tif"),
        ({"b1": {"href": "b1.tif"}, "visual": {"href": "v.tif"}}, None, "v.tif"),
        ({"only": {"href": "o.tif", "roles": None}}, None, "o.tif"),
    ],
)
def test_the_asset_of_an_item(tmp_path, assets, asset, chosen):
    source = find_one(tmp_path, item("S2A/31", assets), asset)
    assert source.address.endswith(chosen)
    assert source.name == "S2A_31.tif"


def test_where_assets_lie(tmp_path):
    link = {"rel": "self", "href": "https://host/items/i.json"}
    content = item("i", {"image": DATA | {"href": "./image.tif?sig=1"}}, links=[link])
    assert find_one(tmp_path, content).address == "/vsicurl/https://host/items/image.tif?sig=1"
    content["assets"] = {"image": DATA}
    (tmp_path / "image.tif").touch()
    assert find_one(tmp_path, content).address == str(tmp_path / "image.tif")


@pytest.mark.enable_socket
def test_items_on_the_web(tmp_path):
    content = {"type": "FeatureCollection", "features": [item("a", {"x": DATA})]}
    write(tmp_path / "items.json", json.dumps(content))
    retry = Retry(tries=3, delay=0.01)
    with RasterServer(tmp_path) as server:
        for faults in ((), ("busy", "truncate"), ("drop",)):
            server.set_up(*faults)
            (source,) = find_sources([f"{server.url}/items.json?key=1"], None, retry)
            assert source.address == f"/vsicurl/{server.url}/image.tif"
            assert source.name == "a.tif"
        server.set_up(every="busy")
        with pytest.raises(SceneError, match=r"items.json' cannot be read .* 503; 3 tries failed"):
            find_sources([f"{server.url}/items.json"], None, retry)
        server.set_up()
        with pytest.raises(SceneError, match="404; the server refuses it; check the address"):
            find_sources([f"{server.url}/absent.json"], None, retry)
    with pytest.raises(SceneError, match=r"cannot be read.*download it first"):
        find_sources(["s3://bucket/items.json"])


def test_collections_of_items(tmp_path):
    items = [item(name, {"image": VISUAL}) for name in ("first", "second")]
    path = write(
        tmp_path / "all.json", json.dumps({"type": "FeatureCollection", "features": items})
    )
    assert names(path) == ["first.tif", "second.tif"]


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        ("imag", r"no asset 'imag'; it has b1, image; did you mean 'image'"),
        (None, r"the asset of the item 'i' .* is ambiguous; .* b1, image; choose one with --asset"),
    ],
)
def test_refuses_unknown_and_ambiguous_assets(tmp_path, asset, message):
    with pytest.raises(SceneError, match=message):
        find_one(tmp_path, item("i", {"image": DATA, "b1": DATA}), asset)
