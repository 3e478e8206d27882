import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import torch
from affine import Affine
from PIL import Image
from rasterio.crs import CRS

from fewscape.core import ConfigError, OutputError, SceneError
from fewscape.mapping import MapOptions, OutputOptions, map_scene, predict_strips
from fewscape.mapping.mapper import ignore
from fewscape.raster import SceneReader
from tests.mapping.doubles import BandSegmenter, EdgeSegmenter
from tests.raster.rasters import PLACE, UTM, write_raster


def patches(height=100, width=140):
    """Bright red and green rectangles on dark ground, aligned to cells of 4."""
    data = np.zeros((3, height, width), np.uint8)
    data[0, 20:60, 24:64] = 250
    data[1, 40:80, 80:120] = 250
    return data


def read_map(folder, name):
    with rasterio.open(folder / name) as dataset:
        return dataset.read(1), dataset


def map_data(
    tmp_path, data, segmenter=None, options=None, name="scene.tif", on_progress=ignore, **profile
):
    out = tmp_path / "out"
    with SceneReader(write_raster(tmp_path / name, data, **profile)) as scene:
        return map_scene(scene, segmenter or BandSegmenter(), out, options, on_progress), out


def test_writes_every_file_with_place_names_and_origin(tmp_path):
    finished = []
    options = MapOptions(tags={"MODEL": "double"})
    result, out = map_data(tmp_path, patches(), options=options, on_progress=finished.append)
    names = [
        "scene.gpkg",
        "scene_classes.qml",
        "scene_classes.tif",
        "scene_green_prob.qml",
        "scene_green_prob.tif",
        "scene_preview.png",
        "scene_red_prob.qml",
        "scene_red_prob.tif",
    ]
    assert sorted(path.name for path in out.iterdir()) == names
    assert sorted(path.name for path in result.files) == names
    classes, dataset = read_map(out, "scene_classes.tif")
    assert (dataset.crs, dataset.transform, dataset.nodata) == (CRS.from_string(UTM), PLACE, 255)
    with rasterio.open(out / "scene_classes.tif") as written:
        assert written.tags()["MODEL"] == "double"
        assert "FEWSCAPE_VERSION" in written.tags()
        assert written.tags(1)["CLASS_1"] == "red"
    assert (classes[24:56, 28:60] == 1).all()
    assert (classes[44:76, 84:116] == 2).all()
    probability, _ = read_map(out, "scene_red_prob.tif")
    assert (probability[24:56, 28:60] == round(250 / 255 * 254)).all()
    meta, _, wkb, columns = pyogrio.raw.read(out / "scene.gpkg", layer="polygons")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert sorted(table["class"]) == ["green", "red"]
    assert table["area_m2"][0] == pytest.approx(1600 * 0.25, rel=0.1)
    assert min(table["score"]) > 0.9
    assert shapely.from_wkb(wkb).size == 2
    assert sum(finished) == result.pixels == result.valid_pixels == 100 * 140
    assert result.class_pixels == {"red": (classes == 1).sum(), "green": (classes == 2).sum()}
    assert result.megapixels_per_second > 0
    with Image.open(out / "scene_preview.png") as picture:
        assert picture.width > 2 * 140


def strips_of(path, segmenter, **options):
    with SceneReader(path) as scene:
        strips = list(predict_strips(scene, segmenter, **options))
    return torch.cat([strip.probabilities for strip in strips], dim=1)


def test_batch_size_does_not_matter(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches())
    results = [strips_of(path, EdgeSegmenter(), batch_size=size) for size in (1, 3, 64)]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_a_scene_smaller_than_a_window_equals_a_single_call(tmp_path):
    data = patches()[:, 30:51, 40:69]
    path = write_raster(tmp_path / "small.tif", data)
    segmenter = EdgeSegmenter()
    padded = np.pad(data, ((0, 0), (0, 11), (0, 3)), mode="symmetric").astype(np.float32) / 255
    single = segmenter(torch.from_numpy(padded)[None])
    enlarged = torch.nn.functional.interpolate(single, scale_factor=4, mode="bilinear")[0]
    found = strips_of(path, segmenter)
    assert torch.allclose(found, enlarged[:, :21, :29], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 90), (90, 1), (1, 1), (33, 35), (97, 31)])
def test_odd_sizes(tmp_path, size):
    data = np.full((3, *size), 255, np.uint8)
    result, out = map_data(tmp_path, data)
    assert result.valid_pixels == size[0] * size[1]
    assert (read_map(out, "scene_classes.tif")[0] == 1).all()


def test_invalid_pixels_get_nodata_and_empty_windows_are_skipped(tmp_path):
    data = patches(130, 200).astype(np.float32)
    data[:, :, 100:] = np.nan
    segmenter = BandSegmenter()
    result, out = map_data(tmp_path, data, segmenter, nodata=np.nan)
    classes, _ = read_map(out, "scene_classes.tif")
    probability, _ = read_map(out, "scene_red_prob.tif")
    for values in (classes, probability):
        assert (values[:, 100:] == 255).all()
        assert (values[:, :100] != 255).all()
    assert result.valid_pixels == 130 * 100
    assert sum(segmenter.batches) == 6 * 5  # of 6 x 9 windows


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(1e-5, 0, 8, 0, -1e-5, 50)),
        (UTM, Affine(0.5, 0, 500_000, 0, 0.5, 4_999_900)),  # south-up
        (UTM, Affine.translation(5e5, 5e6) @ Affine.rotation(25) @ Affine.scale(0.5, -0.5)),
    ],
)
def test_any_georeference_is_kept(tmp_path, crs, transform):
    _, out = map_data(tmp_path, patches(), crs=crs, transform=transform)
    classes, dataset = read_map(out, "scene_classes.tif")
    assert dataset.crs == CRS.from_string(crs)
    assert dataset.transform.almost_equals(transform)
    meta, _, wkb, columns = pyogrio.raw.read(out / "scene.gpkg", layer="polygons")
    red = list(columns[0]).index("red")
    burnt = rasterio.features.rasterize(
        [shapely.from_wkb(wkb)[red]], classes.shape, transform=transform
    )
    assert np.array_equal(burnt == 1, classes == 1)
    assert columns[list(meta["fields"]).index("area_m2")][red] > 0


def test_pictures_without_georeference_work_in_pixels_as_qgis_shows_them(tmp_path):
    _, out = map_data(tmp_path, patches(), name="photo.png")
    _, _, wkb, _ = pyogrio.raw.read(out / "photo.gpkg", layer="polygons")
    assert shapely.total_bounds(shapely.from_wkb(wkb)).tolist() == [24, -80, 120, -20]


def test_deep_scenes_are_stretched(tmp_path):
    data = patches().astype(np.uint16) * 8 + 300
    _, out = map_data(tmp_path, data)
    assert (read_map(out, "scene_classes.tif")[0][24:56, 28:60] == 1).all()


def test_polygons_and_preview_can_be_left_out(tmp_path):
    options = MapOptions(vectors=False, preview=False, outputs=OutputOptions(styles=False))
    _, out = map_data(tmp_path, patches(), options=options)
    assert {path.suffix for path in out.iterdir()} == {".tif"}


def test_class_names_make_distinct_file_names(tmp_path):
    segmenter = BandSegmenter(("a/b", "a b"))
    _, out = map_data(tmp_path, patches(), segmenter, MapOptions(vectors=False, preview=False))
    assert (out / "scene_a_b_1_prob.tif").exists()
    assert (out / "scene_a_b_2_prob.tif").exists()


class Failing(BandSegmenter):
    """Stops in the middle, as a user does."""

    def __call__(self, windows, regions=None):
        if len(self.batches) == 2:
            raise KeyboardInterrupt
        return super().__call__(windows, regions)


def test_interrupted_runs_leave_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        map_data(tmp_path, patches(), Failing(), MapOptions(batch_size=4))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(self, count):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fewscape.raster.writing.writer.StripWriter._write", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        map_data(tmp_path, patches())
    assert list((tmp_path / "out").iterdir()) == []


def test_an_unwritable_folder_is_told_before_any_work(tmp_path):
    segmenter = BandSegmenter()
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(OutputError, match=r"out' cannot be written"):
        map_data(tmp_path, patches(), segmenter)
    assert segmenter.batches == []


def test_damaged_and_empty_scenes_are_told(tmp_path):
    with pytest.raises(SceneError, match="has no valid pixel"):
        map_data(tmp_path, patches() * 0, nodata=0)
    noise = np.random.default_rng(0).integers(0, 255, (3, 300, 300), dtype=np.uint8)
    path = write_raster(tmp_path / "cut.tif", noise)
    path.write_bytes(path.read_bytes()[:100_000])
    with (
        SceneReader(path) as scene,
        pytest.raises(SceneError, match=r"cut\.tif.*truncated or damaged"),
    ):
        map_scene(scene, BandSegmenter(), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_refuses_impossible_overlap(tmp_path):
    with pytest.raises(ConfigError, match=r"overlap of 1\.5"):
        map_data(tmp_path, patches(), options=MapOptions(overlap=1.5))


class Mean(torch.nn.Module):
    """What ``BandSegmenter`` computes."""

    def forward(self, windows):
        return torch.nn.functional.avg_pool2d(windows[:, :2], 4)


class Exported(BandSegmenter):
    """An exported program behind the same contract."""

    def __init__(self):
        super().__init__()
        example, batch = torch.rand(2, 3, 32, 32), torch.export.Dim("batch", min=1, max=64)
        exported = torch.export.export(Mean(), (example,), dynamic_shapes=({0: batch},))
        self.program = exported.module()

    def __call__(self, windows, regions=None):
        return self.program(windows)


def test_an_exported_program_is_a_segmenter(tmp_path):
    path = write_raster(tmp_path / "scene.tif", patches())
    options = MapOptions(vectors=False, preview=False)
    for name, segmenter in (("network", BandSegmenter()), ("program", Exported())):
        with SceneReader(path) as scene:
            map_scene(scene, segmenter, tmp_path / name, options)
    for file in (tmp_path / "network").glob("*.tif"):
        assert file.read_bytes() == (tmp_path / "program" / file.name).read_bytes()
