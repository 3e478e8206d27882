import json

import numpy as np
import pytest
import rasterio
import shapely

from fewscape.cli.main import main
from fewscape.core import hash_file
from tests.cli.test_map import brightness_model, first_roof, lit_roofs, run
from tests.mapping.pairs import to_ground, write_pair_files
from tests.raster.rasters import PLACE, write_raster
from tests.raster.test_polygons import write_polygons

__all__ = ["brightness_model"]  # a fixture for every test here

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def scene(tmp_path):
    return write_raster(tmp_path / "scene.tif", lit_roofs())


@pytest.fixture
def examples(tmp_path):
    return write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])


def box(col, row, side=24):
    """A square of the scene on the ground."""
    return shapely.transform(
        shapely.box(col, row, col + side, row + side),
        lambda points: points * (PLACE.a, PLACE.e) + (PLACE.c, PLACE.f),
    )


ROOFS = [box(56, 8), box(104, 8), box(8, 56)]
GROUND = [box(36, 8, 12), box(84, 60, 12), box(130, 132, 16)]


def draw(path, roofs=ROOFS, ground=GROUND, **options):
    names = ["roof"] * len(roofs) + ["background"] * len(ground)
    return write_polygons(path, [*roofs, *ground], names, **options)


def read(folder, name="scene"):
    return json.loads((folder / f"{name}_check.json").read_text())


def test_a_map_is_scored_with_polygons_that_were_kept_back(tmp_path, scene, examples, capsys):
    check = draw(tmp_path / "check.gpkg")
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    told = capsys.readouterr()
    found = read(tmp_path / "out")
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        classes = dataset.read(1)
    shown = [
        [classes[row : row + side, col : col + side] == value for value in (0, 1)]
        for col, row, side in ((36, 8, 12), (84, 60, 12), (130, 132, 16))
    ]
    background = [sum(int(part[value].sum()) for part in shown) for value in (0, 1)]
    assert [row[0] for row in found["confusion"]] == background
    assert np.sum(found["confusion"]) == 3 * 24**2 + 2 * 12**2 + 16**2 == found["pixels"]
    assert found["class_names"] == ["background", "roof"]
    assert found["polygons"] == 6
    assert found["map_sha256"] == hash_file(tmp_path / "out" / "scene_classes.tif")
    assert found["check"] == "check.gpkg"
    assert found["shared_pixels"] == 0
    roof = found["checked_pixels"]["per_class"][1]
    wrong = found["confusion"][0][1] + found["confusion"][1][0]
    assert roof["iou"] == pytest.approx(
        found["confusion"][1][1] / (found["confusion"][1][1] + wrong)
    )
    whole = found["whole_map"]
    assert whole["unit"] == "ha"
    areas = [row["mapped_area"] for row in whole["per_class"]]
    assert areas[1] == pytest.approx((classes == 1).sum() * 0.25 / 10_000, rel=2e-3)
    assert sum(row["area"] for row in whole["per_class"]) == pytest.approx(sum(areas))
    low, high = whole["per_class"][1]["area_ci95"]
    assert low <= whole["per_class"][1]["area"] <= high
    for words in (
        "scene.tif: 6 check polygons, 2272 pixels",
        "IoU",
        "true, ha",
        "random sample of each mapped class",
    ):
        assert words in told.out
    assert "check.json" in told.out
    assert "warning" not in told.err


def test_points_and_label_rasters_check_too(tmp_path, scene, examples):
    places = [(shape.centroid, "roof") for shape in ROOFS]
    places += [(shape.centroid, "background") for shape in GROUND]
    points = write_polygons(tmp_path / "p.gpkg", *zip(*places, strict=True), geometry_type="Point")
    assert run(scene, examples, tmp_path / "out", "--check", str(points)) == 0
    assert np.sum(read(tmp_path / "out")["confusion"]) == 6
    labels = write_raster(tmp_path / "labels.tif", (lit_roofs()[:1] > 0).astype(np.uint8))
    (tmp_path / "classes.json").write_text(
        json.dumps({"classes": {"0": "background", "1": "roof"}})
    )
    assert run(scene, examples, tmp_path / "out", "--check", str(labels)) == 0
    found = read(tmp_path / "out")
    assert found["pixels"] == 150 * 200
    assert found["shared_pixels"] == 24**2


def test_check_polygons_that_taught_are_told(tmp_path, scene, examples, capsys):
    check = draw(tmp_path / "check.gpkg", [*ROOFS, first_roof()])
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    assert "576 checked pixels of 'scene.tif' are also examples" in capsys.readouterr().err


def test_without_background_no_area_is_estimated(tmp_path, scene, examples, capsys):
    check = draw(tmp_path / "check.gpkg", ground=[])
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    assert read(tmp_path / "out")["whole_map"] is None
    told = capsys.readouterr().out
    assert "No check polygon shows 'background', which is on the map" in told
    assert "true, ha" not in told


def test_single_polygons_have_wide_intervals(tmp_path, scene, examples, capsys):
    check = draw(tmp_path / "check.gpkg", ROOFS[:1], GROUND[:1])
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    low, high = read(tmp_path / "out")["whole_map"]["overall_ci95"]
    assert high - low > 0.3
    assert "(-)" not in capsys.readouterr().out


def test_a_mapped_class_that_no_polygon_lies_on_leaves_areas_open(
    tmp_path, scene, examples, capsys
):
    check = draw(tmp_path / "check.gpkg", GROUND[:2], GROUND[2:])  # dark roofs
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    whole = read(tmp_path / "out")["whole_map"]
    assert whole["overall_ci95"] is None
    assert whole["per_class"][1]["area_ci95"] is None
    assert "no polygon lies mostly on a mapped class" in capsys.readouterr().out


def test_a_class_that_is_mapped_nowhere_has_scores_without_users_accuracy(
    tmp_path, scene, examples, capsys
):
    check = draw(tmp_path / "check.gpkg")
    words = ("--threshold", "1.0", "--check", str(check))
    assert run(scene, examples, tmp_path / "out", *words) == 0
    found = read(tmp_path / "out")
    roof = found["checked_pixels"]["per_class"][1]
    assert (roof["users"], roof["users_ci95"], roof["iou"]) == (None, None, 0)
    assert found["whole_map"]["per_class"][1]["mapped_area"] == 0
    assert "Whole-map intervals are missing" not in capsys.readouterr().out


def test_pixels_count_without_a_reference_system(tmp_path):
    scene = write_raster(tmp_path / "scene.png", lit_roofs())
    boxes = [shapely.box(8, 8, 32, 32), shapely.box(56, 8, 80, 32), shapely.box(36, 8, 48, 20)]
    names = ["roof", "roof", "background"]
    examples = write_polygons(tmp_path / "a.gpkg", boxes[:1], names[:1], None)
    check = write_polygons(tmp_path / "check.gpkg", boxes[1:], names[1:], None)
    assert run(scene, examples, tmp_path / "out", "--check", str(check)) == 0
    whole = read(tmp_path / "out")["whole_map"]
    assert whole["unit"] == "pixels"
    assert sum(row["area"] for row in whole["per_class"]) == pytest.approx(150 * 200)


def test_a_resampled_map_is_checked_on_its_own_grid(tmp_path, scene, examples):
    check = draw(tmp_path / "check.gpkg")
    assert run(scene, examples, tmp_path / "out", "--resolution", "1", "--check", str(check)) == 0
    assert read(tmp_path / "out")["pixels"] == (3 * 24**2 + 2 * 12**2 + 16**2) // 4


def test_scenes_without_check_polygons_are_mapped_unchecked(tmp_path, scene, examples, capsys):
    away = PLACE.__class__(*PLACE[:2], PLACE.c + 9000, *PLACE[3:6])
    other = write_raster(tmp_path / "other.tif", lit_roofs(), transform=away)
    check = draw(tmp_path / "check.gpkg")
    assert run([scene, other], examples, tmp_path / "out", "--check", str(check)) == 0
    assert "the map of 'other.tif' is not checked: no polygon of" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").glob("*.json")] == ["scene_check.json"]
    assert (tmp_path / "out" / "other_classes.tif").exists()


@pytest.mark.parametrize(
    ("polygons", "more", "message"),
    [
        (None, [], "check.gpkg' do not exist; check the path"),
        ("text", [], "check.gpkg' cannot be read"),
        (
            {"classes": ["rof"]},
            [],
            "have the class 'rof', which the map lacks; did you mean 'roof'?",
        ),
        ({"geometries": [box(9000, 9000)]}, [], "no polygon of"),
        ({"field": "kind"}, [], "no attribute 'class'"),
        ({}, ["--shard", "1/2"], "--check was given with --shard; only a finished map"),
        ({}, ["--dry_run"], "--check was given with --dry_run; only a finished map"),
    ],
)
def test_what_cannot_be_checked_is_told_before_the_mapping(
    tmp_path, scene, examples, capsys, polygons, more, message
):
    check = tmp_path / "check.gpkg"
    if polygons == "text":
        check.write_text("nothing")
    elif polygons is not None:
        write_polygons(check, **({"geometries": ROOFS[:1], "classes": ["roof"]} | polygons))
    assert run(scene, examples, tmp_path / "out", "--check", str(check), *more) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert message in told
    assert told.strip().count("\n") == 0
    assert not list((tmp_path / "out").glob("*"))


def test_the_result_never_replaces_an_input(tmp_path, scene, examples, capsys):
    check = draw(tmp_path / "scene_check.json", driver="GeoJSON")
    before = check.read_bytes()
    assert run(scene, examples, tmp_path, "--check", str(check)) == 2
    assert "would overwrite the input" in capsys.readouterr().err
    assert check.read_bytes() == before
    check = check.rename(tmp_path / "scene.gpkg")
    assert run(scene, examples, tmp_path, "--check", str(check)) == 2
    assert "would overwrite the input" in capsys.readouterr().err


@pytest.mark.parametrize("grid", ["pan", "ms"])
def test_a_pair_is_checked_too(tmp_path, grid, capsys):
    files = write_pair_files(tmp_path / "in")
    picked = ((1, -1), (2, -1), (2, 0))
    places = [np.argwhere(files.labels == number)[at] for number, at in picked]
    points = [shapely.Point(col + 0.5, row + 0.5) for row, col in places]
    names = [files.names[number - 1] for number, _ in picked]
    ground = [shapely.transform(point, to_ground) for point in points]
    check = write_polygons(tmp_path / "check.gpkg", ground, names, geometry_type="Point")
    out = tmp_path / "out"
    words = ["map", "--pan", files.pan, "--ms", files.ms, "--examples", files.examples]
    words += ["--output", out, "--check", check, "--grid", grid, "--no_vectors"]
    words += ["--model", "embedded_pair4"]
    assert main([str(word) for word in words]) == 0
    found = read(out, "ms")
    assert set(files.names) < set(found["class_names"])
    assert found["pixels"] == (3 if grid == "ms" else 48)
    assert "ms.tif: 3 check polygons" in capsys.readouterr().out
