"""The command line, Python and the workers of a cluster make the same bytes of the same request."""

import pytest
import rasterio

from fewscape.cli.main import main
from fewscape.request import MapRequest, Reporter
from fewscape.request.running import run_map
from tests.cli.test_map_pair_scene import write_files as write_pair
from tests.request.drawn import save_few_shot, save_supervised, write_files

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Fields of a request by what it asks for."""
    folder = tmp_path_factory.mktemp("in")
    files, pair = write_files(folder), write_pair(folder / "pair")
    drawn = {"scenes": (str(files.scene),), "examples": files.examples}
    rasters = {"pan": str(pair.pan), "ms": str(pair.ms), "examples": pair.examples}
    return {
        "default": drawn,
        "classical": drawn | {"model": "maximum_likelihood", "window": 64, "check": files.check},
        "crops": drawn | {"model": str(save_few_shot(folder / "few")), "examples_are": "objects"},
        "supervised": {
            "scenes": (str(files.scene),),
            "model": str(save_supervised(folder / "best")),
            "heatmaps": True,
            "scales": (1.0, 1.5),
        },
        "pair": rasters | {"model": "random_forest", "min_area": 2.0},
        "pair network": rasters | {"model": "embedded_pair4", "tile": 16, "max_shots": 20},
    }


KINDS = ("default", "classical", "crops", "supervised", "pair", "pair network")


def read(folder):
    """Bytes of the rasters and their styles, and tags, by file name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".tif":
            with rasterio.open(path) as dataset:
                found[path.name] = path.read_bytes(), dataset.tags(), dataset.tags(1)
        elif path.suffix == ".qml":
            found[path.name] = path.read_bytes()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_command_line_and_python(fields, kind, tmp_path):
    words = []
    for name, value in fields[kind].items():
        if name == "scenes":
            words += value
        elif value is True:
            words.append(f"--{name}")
        else:
            listed = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [f"--{name}", listed]
    assert main(["map", *words, "--output", str(tmp_path / "command")]) == 0
    (made,) = run_map(MapRequest(**fields[kind], output=tmp_path / "python"))
    command, python = read(tmp_path / "command"), read(tmp_path / "python")
    assert command == python
    assert len(command) >= 4
    assert set(made.paths.values()) >= {
        tmp_path / "python" / name for name in python if name.endswith(".tif")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_prints_nothing(fields, kind, tmp_path, capfd):
    run_map(MapRequest(**fields[kind], output=tmp_path))
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


class Listener(Reporter):
    def __init__(self):
        self.heard = []

    def info(self, sentence):
        self.heard.append(("tell", sentence))

    def accuracy(self, own, scene_name):
        self.heard.append(("accuracy", scene_name))

    def finished(self, scene_name, finished):
        self.heard.append(("finished", scene_name))

    def checked(self, scene_name, results, path):
        self.heard.append(("checked", path.name))


def test_a_reporter_hears_in_the_order_of_events(fields, tmp_path):
    listener = Listener()
    (made,) = run_map(MapRequest(**fields["classical"], output=tmp_path), listener)
    assert [kind for kind, _ in listener.heard] == ["accuracy", "tell", "finished", "checked"]
    assert listener.heard[1][1].startswith("scene.tif: 200 x 150 pixels of 0.5 m, uint8")
    assert listener.heard[-1] == ("checked", "scene_check.json")
    assert made.scores.mean_iou.value > 0.5
    assert made.check["pixels"] == 24 * 24 + 15 * 32


def test_a_dry_run_and_a_shard_give_no_map(fields, tmp_path):
    wanted = fields["classical"] | {"check": None}
    assert run_map(MapRequest(**wanted, output=tmp_path, dry_run=True)) == []
    assert run_map(MapRequest(**wanted, output=tmp_path, shard=(1, 2))) == []


@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.parametrize("kind", ["classical", "pair network"])
def test_a_cluster(fields, kind, tmp_path):
    ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    try:
        for name, engine in (("here", "here"), ("there", "ray")):
            run_map(MapRequest(**fields[kind], output=tmp_path / name, engine=engine))
    finally:
        ray.shutdown()
    assert read(tmp_path / "here") == read(tmp_path / "there")
