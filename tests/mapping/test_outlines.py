import numpy as np
import shapely
from rasterio.crs import CRS

from fewscape.mapping import Annotations, DrawnOn, MapPlan
from fewscape.mapping.examples.outlines import Drawings, Outline, scale_outlines, trace_outlines
from fewscape.mapping.plan import LayerPlan
from fewscape.raster import Georeference
from tests.raster.rasters import PLACE, UTM

GRID = Georeference(1000, 1200, PLACE, CRS.from_string(UTM))


def draw(path, polygons, grid=GRID):
    arrays = {name: np.array(group, dtype=object) for name, group in polygons.items()}
    return Annotations(path / "examples.gpkg", grid, arrays)


def test_outlines_are_the_outer_rings_large_ones_first(tmp_path):
    hole = shapely.box(100, 100, 300, 300).difference(shapely.box(150, 150, 160, 160))
    drawn = {
        "area": [shapely.box(0, 0, 1200, 1000)],  # says nothing about where somebody drew
        "ignore": [shapely.box(600, 0, 700, 300)],
        "lake": [shapely.box(10, 10, 20, 20), hole],
    }
    large, small = trace_outlines(draw(tmp_path, drawn))
    assert (large.name, small.name) == ("lake", "lake")
    assert set(large.points) == {(100, 100), (100, 300), (300, 300), (300, 100)}
    assert large.points[0] == large.points[-1]
    assert small.points[0][0] in (10, 20)


def test_nothing_drawn_has_no_outlines(tmp_path):
    assert trace_outlines(draw(tmp_path, {})) == ()
    assert trace_outlines(draw(tmp_path, {"a": [shapely.Polygon()], "b": []})) == ()


def test_outlines_have_few_vertices_and_show_every_class(tmp_path):
    rng = np.random.default_rng(0)
    circles = [shapely.Point(*place).buffer(15) for place in rng.uniform(50, 900, (700, 2))]
    drawn = {"tree": circles, "car": [shapely.box(1, 1, 3, 3)], "lake": [circles[0].buffer(200)]}
    outlines = trace_outlines(draw(tmp_path, drawn))
    assert sum(len(outline.points) for outline in outlines) <= 2000
    assert {outline.name for outline in outlines} == {"tree", "car", "lake"}
    assert len(outlines) > 300
    (few,) = trace_outlines(draw(tmp_path, {"lake": [shapely.Point(500, 500).buffer(400, 5000)]}))
    assert len(few.points) < 200


def test_plans_keep_outlines_and_notes():
    outlines = (Outline("lake", ((0.5, 1.0), (2.0, 3.5), (4.0, 1.0), (0.5, 1.0))),)
    plan = MapPlan(
        "scene", [{}], GRID, ("lake",), (LayerPlan("p", "p"),), (0,), ((1, 2, 3),), {}, (0, 1000),
        outlines=outlines, notes=("so and so",),
    )  # fmt: skip
    again = MapPlan.decode(plan.encode())
    assert (again.outlines, again.notes) == (outlines, ("so and so",))
    assert again.key == plan.key


def test_outlines_are_shown_on_their_own_scene_only(tmp_path):
    outlines = (Outline("lake", ((0.0, 0.0), (2.0, 3.0), (4.0, 0.0), (0.0, 0.0))),)
    drawings = Drawings(tmp_path / "a.tif", GRID, outlines)
    assert drawings.show_on(DrawnOn(tmp_path / "a.tif", GRID)) == outlines
    assert drawings.show_on(DrawnOn(tmp_path / "b.tif", GRID)) == ()
    smaller = Georeference(500, 600, PLACE, GRID.crs)
    assert drawings.show_on(DrawnOn(tmp_path / "a.tif", smaller)) == ()


def test_outlines_can_be_scaled():
    (scaled,) = scale_outlines([Outline("a", ((1.0, 2.0), (3.0, 4.0)))], (2, 10))
    assert scaled == Outline("a", ((2.0, 20.0), (6.0, 40.0)))
