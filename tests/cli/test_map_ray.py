"""``fewscape map --engine ray`` writes what one process writes, from paths that are relative."""

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.cli.main import main
from fewscape.models import Prototype, save_model
from fewscape.models.dual_source import DualSource, DualSourceConfig
from tests.cli.test_map import first_roof
from tests.mapping.pairs import write_pair_files
from tests.raster.rasters import noise, write_raster
from tests.raster.test_polygons import write_polygons

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield
    ray.shutdown()


def compare(tmp_path, *words):
    for name, more in (("here", ()), ("there", ("--engine", "ray"))):
        assert main(["map", *map(str, words), "--no_vectors", "--output", name, *more]) == 0
    for path in (tmp_path / "here").iterdir():
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes()


def test_scenes(tmp_path, monkeypatch, cluster):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_model(Prototype(BackboneConfig("test_resnet")), "mine", "card", 64)
    for name, size in (("a.tif", (700, 90)), ("b.tif", (80, 130))):
        write_raster(tmp_path / name, noise(*size))
    write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])
    compare(tmp_path, "a.tif", "b.tif", "--examples", "roofs.gpkg", "--model", "mine",
            "--examples_are", "objects")  # fmt: skip


def test_the_default_model(tmp_path, monkeypatch, cluster):
    """It is as exact there as here, and each scene is told by what it is like itself."""
    monkeypatch.chdir(tmp_path)
    for name, size in (("a.tif", (300, 90)), ("b.tif", (80, 130))):
        write_raster(tmp_path / name, noise(*size))
    write_polygons(tmp_path / "roofs.gpkg", [first_roof()], ["roof"])
    compare(tmp_path, "a.tif", "b.tif", "--examples", "roofs.gpkg", "--window", "96",
            "--examples_are", "objects")  # fmt: skip


def test_pairs(tmp_path, monkeypatch, cluster):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_model(DualSource(DualSourceConfig(width=16)), "mine", "card")
    files = write_pair_files(tmp_path)
    words = ("--pan", files.pan.name, "--ms", files.ms.name, "--examples", files.examples.name)
    compare(tmp_path, *words, "--model", "mine", "--tile", "16")
