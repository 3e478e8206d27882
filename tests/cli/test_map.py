import json

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.crs import CRS

from fewscape import zoo
from fewscape.cli.main import main
from fewscape.raster.georeference import reproject
from tests.mapping.test_segmenter import BrightnessModel
from tests.raster.rasters import PLACE, UTM, write_raster
from tests.raster.test_polygons import write_polygons

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(autouse=True)
def brightness_model(monkeypatch):
    """A network that the test knows by heart, instead of a trained one."""

    real = zoo.load

    def load(facts, *network):
        known = facts.name == "prototype"
        return zoo.LoadedModel(facts, BrightnessModel()) if known else real(facts, *network)

    monkeypatch.setattr(zoo, "load", load)
    monkeypatch.setattr("fewscape.request.checks.refuse_random_weights", lambda *given: None)


def lit_roofs(dtype="uint8", top=240):
    """Bright squares of 24 pixels on dark ground, every 48 pixels."""
    data = np.zeros((3, 150, 200), dtype)
    for row in range(8, 120, 48):
        for col in range(8, 170, 48):
            data[:, row : row + 24, col : col + 24] = top
    return data


def first_roof(crs=UTM):
    ground = shapely.transform(
        shapely.box(8, 8, 32, 32), lambda points: points * (0.5, -0.5) + (PLACE.c, PLACE.f)
    )
    if crs == UTM:
        return ground
    return shapely.transform(
        ground, lambda points: reproject(points, CRS.from_string(UTM), CRS.from_string(crs))
    )


def run(scene, examples, out, *more):
    scenes = scene if isinstance(scene, list) else [scene]
    words = ["map", *scenes, "--examples", examples, "--output", out, "--model", "prototype"]
    options = ("--window", "64", "--device", "cpu", "--precision", "float32")
    return main([*map(str, words), "--examples_are", "objects", *options, *more])


def read_classes(out, name="scene"):
    with rasterio.open(out / f"{name}_classes.tif") as dataset:
        return dataset.read(1), dataset.tags()


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326"])
def test_one_polygon_finds_the_other_roofs(tmp_path, capsys, crs):
    scene = write_raster(tmp_path / "scene.tif", lit_roofs())
    examples = write_polygons(tmp_path / "roofs.geojson", [first_roof(crs)], ["roof"], crs)
    assert run(scene, examples, tmp_path / "out") == 0
    classes, tags = read_classes(tmp_path / "out")
    truth = lit_roofs()[0] > 0
    found = classes == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.85
    assert tags["MODEL"] == "prototype"
    assert len(tags["EXAMPLES_SHA256"]) == 64
    assert json.loads(tags["PARAMETERS"])["window"] == 64
    told = capsys.readouterr().out
    assert "roof: 1 crop of 64 pixels" in told
    assert "scene_preview.png  0.0" in told
    assert "0.03 MP in" in told
    assert "MP/s" in told


def test_deep_single_band_scenes(tmp_path):
    scene = write_raster(tmp_path / "scene.tif", lit_roofs("uint16", 3000)[:1])
    examples = write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])
    assert run(scene, examples, tmp_path / "out", "--bands", "1,1,1", "--no-vectors") == 0
    assert (read_classes(tmp_path / "out")[0][12:28, 60:76] == 1).all()
    assert not (tmp_path / "out" / "scene.gpkg").exists()


def test_examples_of_another_picture_without_georeference(tmp_path):
    source = write_raster(tmp_path / "source.png", lit_roofs())
    target = write_raster(tmp_path / "target.png", lit_roofs()[:, :, ::-1].copy())
    labels = write_raster(tmp_path / "labels.png", (lit_roofs()[:1] > 0).astype(np.uint8))
    code = run(target, labels, tmp_path / "out", "--example_scene", str(source))
    assert code == 0
    classes, _ = read_classes(tmp_path / "out", "target")
    truth = lit_roofs()[0, :, ::-1] > 0
    assert ((classes == 1) & truth).sum() / ((classes == 1) | truth).sum() > 0.85


def damaged(tmp_path):
    path = write_raster(tmp_path / "scene.tif", lit_roofs())
    path.write_bytes(path.read_bytes()[:2000])
    return path


def scene_of(data, **profile):
    return lambda folder: write_raster(folder / "scene.tif", data, **profile)


WHOLE = scene_of(lit_roofs())
ROOF = {"geometries": [first_roof()], "classes": ["roof"]}
FAR = [shapely.box(0, 0, 9, 9)]
TINY = [shapely.box(500_010, 4_999_990, 500_011, 4_999_991)]


@pytest.mark.parametrize(
    ("make_scene", "polygons", "more", "message"),
    [
        (
            WHOLE,
            ROOF | {"field": "kind"},
            [],
            "attribute 'class'; their attributes are: kind",
        ),
        (WHOLE, ROOF | {"geometries": FAR}, [], "no polygon of"),
        (WHOLE, ROOF | {"crs": None}, [], "have no coordinate reference system"),
        (WHOLE, ROOF | {"geometries": TINY}, [], "smaller than one feature cell"),
        (WHOLE, ROOF, ["--classes", "rof"], "did you mean 'roof'?"),
        (WHOLE, ROOF, ["--bands", "1,2"], "2 bands were chosen"),
        (WHOLE, ROOF, ["--overlap", "2"], "overlap is 2.0"),
        (scene_of(lit_roofs()[:1]), ROOF, [], "has 1 band, but band 2 was requested"),
        (scene_of(lit_roofs() * 0, nodata=0), ROOF, [], "has no valid pixel"),
        (damaged, ROOF, [], "damaged"),
        (lambda folder: folder / "absent.tif", ROOF, [], "does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    tmp_path, capsys, make_scene, polygons, more, message
):
    scene = make_scene(tmp_path)
    examples = write_polygons(tmp_path / "roofs.gpkg", **polygons)
    assert run(scene, examples, tmp_path / "out", *more) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert message in told
    assert told.strip().count("\n") == 0
    assert not list((tmp_path / "out").glob("*"))


def test_an_unwritable_output_is_told_first(tmp_path, capsys):
    (tmp_path / "out").write_text("in the way")
    assert run(tmp_path / "absent.tif", tmp_path / "absent.gpkg", tmp_path / "out") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_two_scenes_of_one_name_are_refused(tmp_path, capsys):
    (tmp_path / "other").mkdir()
    scene = write_raster(tmp_path / "scene.tif", lit_roofs())
    other = write_raster(tmp_path / "other" / "scene.tif", lit_roofs())
    examples = write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])
    assert run([scene, other], examples, tmp_path / "out") == 2
    assert "2 scenes are named 'scene'" in capsys.readouterr().err


def test_several_scenes_share_the_supports(tmp_path, capsys):
    scenes = [write_raster(tmp_path / f"{name}.tif", lit_roofs()) for name in ("one", "two")]
    examples = write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])
    assert run(scenes, examples, tmp_path / "out") == 0
    one, two = (read_classes(tmp_path / "out", name)[0] for name in ("one", "two"))
    assert np.array_equal(one, two)
    assert capsys.readouterr().out.count("1 crop of 64 pixels") == 1


def test_help_states_the_rule(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["map", "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    assert "a ring around each polygon" in " ".join(told.split())
    assert "fewscape map scene.tif --examples roofs.gpkg --output maps" in told


def test_examples_in_the_output_folder_are_not_overwritten(tmp_path, capsys):
    scene = write_raster(tmp_path / "town.tif", lit_roofs())
    examples = write_polygons(tmp_path / "town.gpkg", [first_roof()], ["roof"])
    before = examples.read_bytes()
    words = ["map", str(scene), "--examples", str(examples), "--output", str(tmp_path)]
    assert main([*words, "--model", "random_forest", "--examples_are", "objects"]) == 2
    assert "would overwrite the input" in capsys.readouterr().err
    assert examples.read_bytes() == before
