"""Reading over a network that fails; the server is ours, on this machine."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio

from fewscape.core import SceneError, Window
from fewscape.raster import Retry, SceneReader
from tests.raster.rasters import noise, write_raster
from tests.raster.servers import RasterServer

QUICK = Retry(tries=4, delay=0.01, timeout=120)  # a busy machine is no failure
MOSAIC = """<VRTDataset rasterXSize="620" rasterYSize="540">{}</VRTDataset>"""
BAND = """<VRTRasterBand dataType="Byte" band="{0}"><SimpleSource>
<SourceFilename>{1}</SourceFilename><SourceBand>{0}</SourceBand>
</SimpleSource></VRTRasterBand>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    data = noise(540, 620)
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    with rasterio.open(write_raster(folder / "scene.tif", data, **tiles), "r+") as dataset:
        dataset.build_overviews([2, 4])
    write_raster(folder / "plain.tif", data)
    write_raster(folder / "scene.png", data)
    with RasterServer(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def _well(server):
    server.set_up()


def read_all(scene, resolution=None, faults=()):
    """Everything that mapping reads of a scene; the faults come after it was opened."""
    server, scene = scene if isinstance(scene, tuple) else (None, scene)
    with SceneReader(scene, resolution=resolution, retry=QUICK) as reader:
        if server:
            server.set_up(*faults)
        image, valid = reader.read(Window(-5, 17, 400, 610))
        return image, valid, reader.read_overview(155)[0]


def assert_as_on_disk(server, name, faults=(), resolution=None):
    found = read_all((server, f"{server.url}/{name}"), resolution, faults)
    for ours, local in zip(found, read_all(server.folder / name, resolution), strict=True):
        assert np.array_equal(ours, local)


@pytest.mark.parametrize("name", ["scene.tif", "plain.tif", "scene.png"])
@pytest.mark.parametrize(
    "faults",
    [
        (),
        ("drop",) * 4,
        ("busy",) * 3,
        ("truncate",) * 3,
        ("slow",) * 2,
        ("truncate", "drop", "busy", "truncate"),
    ],
)
def test_what_arrives_is_what_is_on_disk(server, name, faults):
    assert_as_on_disk(server, name, faults)


def test_faults_while_opening_are_overcome(server):
    server.set_up("truncate", "drop", "busy", "drop")
    assert np.array_equal(
        read_all(f"{server.url}/scene.tif")[0], read_all(server.folder / "scene.tif")[0]
    )


@pytest.mark.parametrize("faults", [(), ("truncate",) * 3])
def test_resampled_scenes(server, faults):
    assert_as_on_disk(server, "scene.tif", faults, resolution=0.8)


def test_local_mosaics_of_remote_rasters_are_tried_again(server, tmp_path):
    address = f"/vsicurl/{server.url}/scene.tif"
    bands = "".join(BAND.format(band, address) for band in (1, 2, 3))
    (tmp_path / "mosaic.vrt").write_text(MOSAIC.format(bands))
    found = read_all((server, tmp_path / "mosaic.vrt"), faults=("truncate",) * 3)
    assert np.array_equal(found[0], read_all(server.folder / "scene.tif")[0])


@pytest.mark.parametrize("form", ["s3://{}/scene.tif", "/vsis3/{}/scene.tif"])
def test_object_stores(server, tmp_path, monkeypatch, form):
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "scene.tif").write_bytes((server.folder / "scene.tif").read_bytes())
    with RasterServer(tmp_path) as store:
        monkeypatch.setenv("AWS_S3_ENDPOINT", store.url.removeprefix("http://"))
        monkeypatch.setenv("AWS_HTTPS", "NO")
        monkeypatch.setenv("AWS_VIRTUAL_HOSTING", "FALSE")
        monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "YES")
        found = read_all((store, form.format("town")), faults=("truncate", "drop"))
        with pytest.raises(SceneError, match="cannot be read over the network"):
            SceneReader("s3://town/absent.tif", retry=Retry(1))
    assert np.array_equal(found[0], read_all(server.folder / "scene.tif")[0])


def test_threads_recover_by_themselves(server):
    windows = [Window(row, 0, 90, 620) for row in range(0, 540, 90)]
    with SceneReader(server.folder / "scene.tif") as local:
        expected = [local.read(window)[0] for window in windows]
    with (
        SceneReader(f"{server.url}/scene.tif", retry=QUICK) as scene,
        ThreadPoolExecutor(3) as pool,
    ):
        server.set_up(*("truncate", "drop") * 3)
        found = list(pool.map(lambda window: scene.read(window)[0], windows))
    assert all(map(np.array_equal, found, expected))


def test_a_lasting_failure_names_address_window_and_remedy(server):
    with SceneReader(f"{server.url}/scene.tif?key=secret", retry=QUICK) as scene:
        server.set_up(every="drop")
        with pytest.raises(SceneError) as failure:
            scene.read(Window(0, 0, 540, 620))
        told = str(failure.value)
        assert f"'{server.url}/scene.tif' cannot be read over the network" in told
        assert "(rows 0 to 540, columns 0 to 620)" in told
        assert "4 tries failed; try again later, raise --tries, or download" in told
        assert "secret" not in told
        server.set_up()  # nothing of the failure is remembered
        assert scene.read(Window(0, 0, 540, 620))[1].all()


def test_failing_to_open_is_not_remembered(server):
    address = f"{server.url}/scene.tif"
    server.set_up(every="busy")
    with pytest.raises(SceneError, match="2 tries failed"):
        SceneReader(address, retry=Retry(2, 0))
    server.set_up()
    SceneReader(address, retry=Retry(1)).close()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("absent.tif", {}, r"404; the server refuses it; check the address"),
        ("scene.tif", {"every": "forbid"}, r"403; .*signature, or the credentials"),
        ("scene.tif", {"has_ranges": False}, r"not supported.*download the file first"),
    ],
)
def test_refusals_are_not_tried_again(server, name, settings, message):
    server.set_up(**settings)
    with pytest.raises(SceneError, match=message):
        SceneReader(f"{server.url}/{name}", retry=Retry(tries=2, delay=60))


def test_few_requests_are_made(server):
    before = server.set_up()
    with SceneReader(f"{server.url}/scene.tif", retry=QUICK) as scene:
        scene.read(Window(0, 0, 540, 620))
    assert server.set_up() - before <= 8
