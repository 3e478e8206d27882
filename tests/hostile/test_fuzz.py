"""Inputs that chance makes: each is used, or refused with one of our sentences.

A few of each kind in every run, the same each time; ``make fuzz`` makes many, others each time.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewscape import zoo
from fewscape.core import FewscapeError, Window
from fewscape.datasets import Manifest
from fewscape.datasets.folder import read_classes, read_colours
from fewscape.mapping import Journal
from fewscape.raster import SceneReader, read_polygons
from fewscape.raster.opening.source_lists import find_sources
from fewscape.request import MapRequest
from fewscape.request.map_request import DEFAULTS
from fewscape.training.recipe_files import read_recipe
from tests.hostile.cases import call, map_words
from tests.hostile.inputs_models import write_model
from tests.hostile.invented import collect, ground, outline, paint, write_scene, write_vectors

MANY = int(os.environ.get("FEWSCAPE_FUZZ", "0"))
"""Inputs of each kind; a few if not given."""

FUZZ = settings(
    max_examples=MANY or 20,
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

pytestmark = pytest.mark.filterwarnings("ignore")

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from([0, -1, 255, 256, 1e300, math.nan, math.inf, 2**31, 2**63]),
)
WORDS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "roof", "background", "../../x", "\x00", "a" * 400, "\ud800", "NaN"]),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)
"""Any value of JSON, and some that Python's own writer adds."""


def survives(action: Any, *words: Any) -> Any:
    """The result, or None where the input was refused as it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(FewscapeError):
            return action(*words)
        return None


@st.composite
def changed(draw: st.DrawFn, content: Any) -> Any:
    """JSON in which one place, however deep, holds something else, or is gone."""
    copy = json.loads(json.dumps(content))
    place, holder, key = copy, None, None
    while isinstance(place, dict | list) and place and (holder is None or draw(st.booleans())):
        holder = place
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place = holder[key]
    if holder is None or key is None:
        return draw(JSON)
    if isinstance(holder, dict) and draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = draw(JSON)
    return copy


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with a few other bytes, cut off, or with something in between."""
    mended = bytearray(content)
    for _ in range(draw(st.integers(0, 6))):
        mended[draw(st.integers(0, len(mended) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        del mended[draw(st.integers(0, len(mended))) :]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(mended)))
        mended[at:at] = draw(st.binary(max_size=20))
    return bytes(mended)


def write_text(path: Path, content: Any) -> Path:
    path.write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))
    return path


def are_polygons(path: Path) -> None:
    found = survives(read_polygons, path)
    if found is not None:
        assert len(found.geometries) == len(found.names) > 0
        assert all(found.names)
        assert np.isfinite(shapely.bounds(found.geometries)).all()


COLLECTION = collect([outline(0), ground()], ["roof", "background"])


@FUZZ
@given(content=st.one_of(changed(COLLECTION), JSON))
def test_geojson(tmp_path, content):
    are_polygons(write_text(tmp_path / "e.geojson", content))


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "geojson", "shp"])
@FUZZ
@given(data=st.data())
def test_vector_files(tmp_path, suffix, data):
    path = tmp_path / f"whole.{suffix}"
    if not path.exists():
        write_vectors(path)
    for part in path.parent.glob("whole.*"):
        (tmp_path / f"e{part.suffix}").write_bytes(part.read_bytes())
    (tmp_path / f"e.{suffix}").write_bytes(data.draw(damaged(path.read_bytes())))
    are_polygons(tmp_path / f"e.{suffix}")


def read_scene(path: Path) -> None:
    with SceneReader(path) as scene:
        image, valid = scene.read(Window(0, 0, min(8, scene.height), min(8, scene.width)))
        assert np.isfinite(image[:, valid]).all()
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize(("name", "driver"), [("s.tif", "GTiff"), ("s.png", "PNG")])
@FUZZ
@given(data=st.data())
def test_rasters(tmp_path, name, driver, data):
    whole = tmp_path / f"whole_{name}"
    if not whole.exists():
        write_scene(whole, paint()[:, :16, :16], driver=driver)
    (tmp_path / name).write_bytes(data.draw(damaged(whole.read_bytes())))
    survives(read_scene, tmp_path / name)


@FUZZ
@given(
    content=st.one_of(
        changed({"classes": {"0": "a", "1": "b"}, "ignore": 255, "colours": {"0": [1, 2, 3]}}), JSON
    )
)
def test_tables_of_classes(tmp_path, content):
    path = write_text(tmp_path / "classes.json", content)
    found = survives(read_classes, path)
    if found is not None:
        classes, ignore = found
        assert classes
        assert all(0 <= number <= 255 for number in [*classes, ignore])
        survives(read_colours, path)


CROP = {"image": "a/images/0.png", "labels": "a/labels/0.png", "window": [0, 0, 8, 8]}
EPISODE = {"dataset": "a", "class_id": 1, "class_name": "b", "query": CROP, "support": [CROP]}
MANIFEST = {
    "format": "fewscape-episodes/1",
    "name": "m",
    "image_size": [8, 8],
    "ignore": 255,
    "episodes": [EPISODE],
}


@FUZZ
@given(content=changed(MANIFEST))
def test_manifests(tmp_path, content):
    manifest = survives(Manifest.load, write_text(tmp_path / "m.json", content))
    if manifest is not None:
        assert len(manifest) > 0
        for episode in manifest:
            for crop in (episode.query, *episode.support):
                assert ".." not in Path(crop.image).parts


ITEM = {
    "type": "Feature",
    "id": "a",
    "assets": {"data": {"href": "s.tif", "roles": ["data"]}},
    "links": [{"rel": "self", "href": "https://example.org/a.json"}],
}


@FUZZ
@given(content=st.one_of(changed(ITEM), changed({"type": "FeatureCollection", "features": [ITEM]})))
def test_stac(tmp_path, content):
    found = survives(find_sources, [str(write_text(tmp_path / "item.json", content))])
    if found is not None:
        assert all(source.address for source in found)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("name", ["config.json", "preprocess.json"])
@FUZZ
@given(data=st.data())
def test_model_folders(model, name, data):
    path = model / name
    before = path.read_bytes()
    try:
        write_text(path, data.draw(changed(json.loads(before))))
        survives(lambda: zoo.load(str(model)))
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Of an unfinished map."""
    folder = tmp_path_factory.mktemp("plans")
    scene, examples = write_scene(folder / "s.tif"), write_vectors(folder / "e.gpkg")
    code, text = call(map_words(folder, scene, examples, "--shard", "1/2", "--window", 64))
    assert code == 0, text
    (path,) = (folder / "out").glob(".fewscape-s-*/plan.json")
    return path


@FUZZ
@given(data=st.data())
def test_plans(plan, data):
    before = plan.read_bytes()
    try:
        write_text(plan, data.draw(changed(json.loads(before))))
        survives(Journal.find, plan.parents[1])
    finally:
        plan.write_bytes(before)


@FUZZ
@given(text=st.one_of(st.text(), JSON.map(lambda content: json.dumps(content)), st.binary()))
def test_recipes(tmp_path, text):
    path = tmp_path / "r.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    found = survives(read_recipe, path)
    assert found is None or isinstance(found, dict)


@FUZZ
@given(name=st.sampled_from(sorted(DEFAULTS)), value=st.one_of(JSON, st.just(np.float32(0.5))))
def test_requests(name, value):
    request = survives(lambda: MapRequest(**({"output": "out"} | {name: value})))
    if request is not None and request.threshold is not None:
        assert 0 <= request.threshold <= 1
