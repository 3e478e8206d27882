import json

import shapely

from fewscape.cli.main import main
from fewscape.mapping import DrawnOn, read_annotations
from fewscape.request.examples import list_notes
from tests.backbones.weights_files import write_weights
from tests.raster.rasters import UTM, noise, ramp, write_raster
from tests.raster.test_polygons import write_polygons

ROOF = shapely.box(500_010, 4_999_960, 500_020, 4_999_970)
LAKE = shapely.box(500_015, 4_999_960, 500_030, 4_999_970)
POINT = shapely.Point(500_040, 4_999_980)


def draw(path, shapes, names):
    return write_polygons(path, shapes, names, geometry_type="Unknown", crs=UTM)


def read(tmp_path, examples):
    from fewscape.raster import SceneReader

    with SceneReader(write_raster(tmp_path / "scene.tif", ramp(120, 150))) as scene:
        return read_annotations(examples, DrawnOn(scene.path, scene.grid))


def test_notes_tell_what_teaches_nothing(tmp_path):
    examples = draw(
        tmp_path / "a.gpkg", [ROOF, LAKE, shapely.Point(0, 0)], ["roof", "lake", "roof"]
    )
    assert list_notes(read(tmp_path, examples)) == [
        "skipped in the examples 'a.gpkg': 1 outside the scene",
        "200 pixels of 'a.gpkg' are drawn as two classes and are not learned from",
    ]
    assert list_notes(read(tmp_path, draw(tmp_path / "b.gpkg", [ROOF], ["roof"]))) == []


def test_points_teach_and_the_map_is_made_again(tmp_path, capsys):
    scene = write_raster(tmp_path / "scene.tif", noise(120, 150))
    examples = draw(tmp_path / "a.gpkg", [POINT, LAKE], ["roof", "lake"])
    words = ["map", scene, "--examples", examples, "--output", tmp_path / "out"]
    weights = str(write_weights(tmp_path / "w.safetensors"))
    network = ["--model", "prototype", "--weights", weights, "--window", "64"]
    network += ["--backbone", "test_resnet"]
    options = ["--buffer", "4m", "--examples_are", "objects", "--device", "cpu", "--no_vectors"]
    assert main([*map(str, words), *network, *options]) == 0
    import rasterio

    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        parameters = json.loads(dataset.tags()["PARAMETERS"])
    assert (parameters["buffer"], parameters["examples_are"]) == ("4m", "objects")
    assert "roof: 1 crop" in capsys.readouterr().out
    assert main([*map(str, words), *network, "--buffer", "wide"]) == 2
    assert "--buffer 'wide' is not a length" in capsys.readouterr().err


def test_maps_have_the_colours_and_show_the_examples(tmp_path):
    import numpy as np
    import rasterio
    from PIL import Image

    scene = write_raster(tmp_path / "scene.tif", noise(120, 150))
    other = write_raster(tmp_path / "other.tif", 255 - noise(120, 150))
    shapes = {"roof": ROOF, "water": shapely.box(500_040, 4_999_960, 500_060, 4_999_980)}
    features = [
        {"type": "Feature", "geometry": shape.__geo_interface__,
         "properties": {"class": name, "colour": "1,250,3" if name == "roof" else ""}}
        for name, shape in shapes.items()
    ]  # fmt: skip
    crs = {"type": "name", "properties": {"name": UTM}}
    examples = tmp_path / "a.geojson"
    examples.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    words = ["map", scene, other, "--examples", examples, "--output", tmp_path / "out"]
    weights = str(write_weights(tmp_path / "w.safetensors"))
    network = ["--model", "prototype", "--weights", weights, "--window", "64"]
    network += ["--backbone", "test_resnet"]
    assert main([*map(str, words), *network, "--device", "cpu", "--no_vectors"]) == 0
    with rasterio.open(tmp_path / "out" / "scene_classes.tif") as dataset:
        table = dataset.colormap(1)
    assert table[1][:3] == (1, 250, 3)
    assert table[2][:3] == (28, 107, 190)
    shown = []
    for name in ("scene", "other"):
        with Image.open(tmp_path / "out" / f"{name}_preview.png") as picture:
            left = np.asarray(picture)[16:136, 16:166].astype(int)
        shown.append((np.abs(left - (1, 250, 3)).max(axis=2) < 3).sum())
    assert shown[0] > 20
    assert shown[1] < 5  # noise
