import sqlite3

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.crs import CRS

from fewscape.core import ExamplesError, OutputError
from fewscape.mapping import DrawnOn, read_annotations
from fewscape.raster import Georeference, SceneReader
from fewscape.serve.drawing import Drawing, StaleError
from tests.raster.rasters import PLACE, UTM
from tests.serve.scenes import HEIGHT, TWO_CLASSES, WIDTH, box, put, write_scene

GRID = Georeference(HEIGHT, WIDTH, PLACE, CRS.from_string(UTM))


@pytest.fixture
def drawing(tmp_path):
    made = Drawing(tmp_path / "x.gpkg", GRID)
    yield made
    made.close()


def names(drawing):
    return {key: one.class_name for key, one in drawing.now.examples.items()}


def test_what_is_drawn_is_what_the_map_reads(tmp_path, drawing):
    drawing.change([*TWO_CLASSES, put("p", "a", {"type": "Point", "coordinates": [20.5, 200.5]})])
    scene = DrawnOn(tmp_path / "scene.tif", GRID)
    found = read_annotations(drawing.path, scene)
    assert found.class_names == ("a", "b")
    assert sorted(round(one.area) for one in found.polygons["b"]) == [1600, 1800]
    assert len(found.polygons["a"]) == 3
    assert found.colours["a"] == drawing.now.colour_of("a")


def test_a_new_process_finds_all_of_it(drawing):
    drawing.change([*TWO_CLASSES, {"do": "class", "name": "empty", "colour": "#010203"}])
    drawing.change([{"do": "put", "example": {"id": "a1", "hidden": True}}])
    again = Drawing(drawing.path, GRID)
    assert names(again) == names(drawing)
    assert again.now.classes == drawing.now.classes
    assert again.now.examples["a1"].hidden
    assert shapely.equals_exact(
        again.now.examples["b1"].geometry, drawing.now.examples["b1"].geometry, 1e-4
    )


def test_a_hidden_example_does_not_teach_the_map(drawing):
    drawing.change([*TWO_CLASSES, put("h", "c", box(1, 1, 9, 9), hidden=True)])
    assert read_annotations(drawing.path, DrawnOn(drawing.path, GRID)).class_names == ("a", "b")


def test_a_scene_without_georeference_is_drawn_in_pixels(tmp_path):
    path = write_scene(tmp_path, "scene.png")
    with SceneReader(path, None) as scene:
        drawing = Drawing(tmp_path / "x.gpkg", scene.grid)
        drawing.change([put("a", "a", box(10, 20, 30, 50))])
        assert Drawing(drawing.path, scene.grid).now.examples["a"].geometry.bounds == (
            10,
            20,
            30,
            50,
        )
        found = read_annotations(drawing.path, DrawnOn(path, scene.grid))
    assert found.polygons["a"][0].bounds == (10, 20, 30, 50)


def test_undo_and_redo_step_through_everything(drawing):
    drawing.change([put("a", "a", box(0, 0, 9, 9))])
    drawing.change([put("b", "b", box(5, 5, 20, 20))])  # cuts the first one
    cut = drawing.now.examples["a"].geometry.area
    drawing.undo()
    assert drawing.now.examples["a"].geometry.area == 81 > cut
    drawing.undo()
    assert not drawing.now.examples
    assert not drawing.can_undo
    drawing.redo()
    drawing.redo()
    assert names(drawing) == {"a": "a", "b": "b"}
    assert drawing.now.examples["a"].geometry.area == cut
    assert not drawing.can_redo
    assert names(Drawing(drawing.path, GRID)) == {"a": "a", "b": "b"}


def test_a_new_change_ends_what_can_be_redone(drawing):
    drawing.change([put("a", "a", box(0, 0, 9, 9))])
    drawing.undo()
    drawing.change([put("b", "b", box(0, 0, 9, 9))])
    assert not drawing.can_redo


def test_revisions_only_grow_and_tell_what_changed(drawing):
    seen = []
    drawing.listen(lambda snapshot: seen.append(snapshot.revision))
    drawing.change(TWO_CLASSES)
    first = drawing.now.examples["a1"].version
    drawing.change([{"do": "delete", "id": "b1"}])
    drawing.undo()
    assert seen == sorted(set(seen))
    assert drawing.now.examples["a1"].version == first
    assert drawing.now.examples["b1"].version == drawing.now.revision


def test_a_change_that_was_sent_twice_holds_once(drawing):
    drawing.change(TWO_CLASSES)
    revision = drawing.now.revision
    drawing.change(TWO_CLASSES)
    assert drawing.now.revision == revision


def test_nobody_overwrites_what_they_did_not_see(drawing):
    drawing.change(TWO_CLASSES)
    seen = drawing.now.examples["a1"].version
    drawing.change([{**put("a1", "a", box(1, 1, 30, 30)), "based_on": seen}])
    with pytest.raises(StaleError, match="changed elsewhere in the meantime"):
        drawing.change([{**put("a1", "a", box(2, 2, 40, 40)), "based_on": seen}])
    with pytest.raises(StaleError):
        drawing.change([{"do": "delete", "id": "a1", "based_on": seen}])


def test_all_changes_of_a_step_hold_or_none(drawing):
    with pytest.raises(ExamplesError, match="lies in the scene"):
        drawing.change([TWO_CLASSES[0], put("out", "a", box(-50, -50, -10, -10))])
    assert not drawing.now.examples
    assert not Drawing(drawing.path, GRID).now.examples


def test_drawing_over_another_class_takes_the_ground_from_it(drawing):
    drawing.change([put("a", "a", box(0, 0, 40, 40))])
    drawing.change([put("b", "b", box(0, 0, 20, 40))])
    assert drawing.now.examples["a"].geometry.bounds == (20, 0, 40, 40)
    drawing.change([put("c", "c", box(0, 0, 41, 41))])
    assert set(drawing.now.examples) == {"c"}


@pytest.mark.parametrize("name", ["ignore", "area"])
def test_ground_to_ignore_lies_over_the_others(drawing, name):
    drawing.change([put("a", "a", box(0, 0, 40, 40)), put("i", name, box(0, 0, 20, 20))])
    assert drawing.now.examples["a"].geometry.area == 1600


def test_a_brush_paints_a_polygon(drawing):
    line = {"type": "LineString", "coordinates": [[20, 20], [60, 20]], "width": 10}
    drawing.change([put("a", "a", line, tool="brush")])
    shape = drawing.now.examples["a"].geometry
    assert shape.bounds == pytest.approx((15, 15, 65, 25), abs=0.3)


def test_classes_are_renamed_merged_coloured_and_dropped(drawing):
    drawing.change(TWO_CLASSES)
    drawing.change([{"do": "class", "name": "a", "to": "roof", "colour": "#102030"}])
    assert names(drawing)["a1"] == "roof"
    assert drawing.now.colour_of("roof") == (16, 32, 48)
    drawing.change([{"do": "class", "name": "b", "to": "roof"}])
    assert set(names(drawing).values()) == {"roof"}
    drawing.change([{"do": "drop_class", "name": "roof"}])
    assert not drawing.now.examples
    assert not drawing.now.classes
    assert drawing.undo().examples


def test_what_qgis_changes_is_taken_over(drawing):
    drawing.change(TWO_CLASSES)
    shape = shapely.transform(shapely.box(300, 10, 330, 40), GRID.to_ground)
    pyogrio.raw.write(
        drawing.path,
        np.array([shapely.to_wkb(shape)], dtype=object),
        [np.array(["lake"], dtype=object)],
        ["class"],
        layer="examples",
        driver="GPKG",
        geometry_type="Unknown",
        crs=UTM,
        append=True,
    )
    before = drawing.now
    assert drawing.look()
    assert sorted(names(drawing).values()) == ["a", "a", "b", "b", "lake"]
    assert all(drawing.now.examples[key] == one for key, one in before.examples.items())
    drawing.change([{"do": "delete", "id": "a1"}])  # the page goes on from there
    assert sorted(names(Drawing(drawing.path, GRID)).values()) == ["a", "b", "b", "lake"]
    drawing.undo()
    drawing.undo()
    assert "lake" not in names(drawing).values()


def test_what_qgis_deletes_is_gone(drawing):
    drawing.change(TWO_CLASSES)
    with sqlite3.connect(drawing.path) as other:
        other.execute("DELETE FROM examples WHERE id = 'a2'")
    assert drawing.look()
    assert set(drawing.now.examples) == {"a1", "b1", "b2"}
    assert not drawing.look()


def test_a_file_that_another_program_holds_is_told_and_nothing_is_lost(drawing, monkeypatch):
    drawing.change([TWO_CLASSES[0]])
    other = sqlite3.connect(drawing.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(
        drawing._file,
        "_database",
        sqlite3.connect(drawing.path, timeout=0.05, isolation_level=None),
    )
    with pytest.raises(OutputError, match=r"cannot be saved: database is locked"):
        drawing.change(TWO_CLASSES[1:])
    other.execute("ROLLBACK")
    assert set(drawing.now.examples) == {"a1"}
    drawing.change(TWO_CLASSES[1:])
    assert len(Drawing(drawing.path, GRID).now.examples) == 4


def test_a_full_disk_is_told_and_changes_nothing(drawing):
    drawing.change([TWO_CLASSES[0]])
    pages = drawing._file._database.execute("PRAGMA page_count").fetchone()[0]
    drawing._file._database.execute(f"PRAGMA max_page_count = {pages}")
    ring = shapely.Point(150, 150).buffer(100, quad_segs=1500)
    with pytest.raises(OutputError, match="full"):
        drawing.change([put("big", "a", shapely.geometry.mapping(ring))])
    assert set(drawing.now.examples) == {"a1"}
    drawing._file._database.execute("PRAGMA max_page_count = 1000000")
    drawing.change([TWO_CLASSES[1]])
    assert len(drawing.now.examples) == 2


def test_another_geopackage_is_refused(tmp_path):
    path = tmp_path / "x.gpkg"
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(shapely.box(0, 0, 1, 1))], dtype=object),
        [np.array(["a"], dtype=object)],
        ["class"],
        layer="roofs",
        driver="GPKG",
        geometry_type="Polygon",
        crs=UTM,
    )
    with pytest.raises(ExamplesError, match=r"is no file of this page; expected the layers"):
        Drawing(path, GRID)


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "x.gpkg"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ExamplesError, match="cannot be read: file is not a database"):
        Drawing(path, GRID)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Polygon", "coordinates": "x"}, "malformed"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, None]]]}, "malformed"),
        ({"type": "Polygon"}, "malformed"),
        ({"type": "GeometryCollection", "geometries": []}, "of the kind 'GeometryCollection'"),
        ({"type": "Polygon", "coordinates": [[[0, 0]] * 30_000]}, "more than 20,000 points"),
        ({"type": "Point", "coordinates": [1e300, 0]}, "no places"),
        ({"type": "Point", "coordinates": [WIDTH + 1, 0]}, "outside the scene"),
        ({"type": "LineString", "coordinates": [[0, 0], [9, 9]], "width": -1}, "no length"),
        (box(5, 5, 5, 5), "lies in the scene"),
    ],
)
def test_a_geometry_of_no_use_is_refused(drawing, geometry, message):
    with pytest.raises(ExamplesError, match=message):
        drawing.change([put("a", "a", geometry)])
    assert not drawing.now.examples


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "None"])
def test_a_class_needs_a_name(drawing, name):
    with pytest.raises(ExamplesError, match="a class cannot be called"):
        drawing.change([put("a", name, box(0, 0, 9, 9))])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do": "explode"}, "'explode' is no change"),
        ({"do": "class", "name": "a", "colour": "bluish"}, "'bluish' is no colour"),
        (put("../x", "a", box(0, 0, 9, 9)), "is no name of an example"),
    ],
)
def test_a_change_of_no_meaning_is_refused(drawing, change, message):
    with pytest.raises(ExamplesError, match=message):
        drawing.change([change])
