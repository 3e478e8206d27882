"""``fewscape reproduce``: a map made again from what its file tells, and compared."""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fewscape import __version__
from fewscape.cli import values
from fewscape.cli.map_record import MapRecord, find_inputs, read_record

if TYPE_CHECKING:
    from fewscape.raster.comparison import Difference

EXAMPLE = """\
fewscape reproduce maps/scene_classes.tif
fewscape reproduce maps/scene_classes.tif --scene scene.tif --examples roofs.gpkg \\
    --model runs/mine/best"""

RULE = """\
The map's tags tell what it was made from: scene, examples and model by name and by hash, and all
parameters. Without the options below, files of those names are taken from beside the map or from
the current folder. Other files than those that it was made from are refused. Exit code 0: the
same pixels, 3: others."""

DIFFERENT = 3
"""Exit code when pixels differ."""

OUTPUTS = ("vectors", "cog", "simplify")
"""Parameters that change no pixel of a raster."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "map", type=Path, metavar="OUT.tif", help="a raster that 'fewscape map' wrote"
    )
    files = parser.add_argument_group("what it was made from", RULE)
    files.add_argument("--scene", help="the raster that was mapped")
    files.add_argument("--pan", help="the panchromatic raster of a pair")
    files.add_argument("--ms", help="the multispectral raster of a pair")
    files.add_argument("--examples", type=Path, help="the examples that taught the network")
    files.add_argument("--example_scene", type=Path, help="the scene of the examples")
    files.add_argument("--model", help="the model's folder")
    files.add_argument("--weights", help="the backbone's weights, of a network given by name")
    parser.add_argument(
        "--device", help="auto, cpu or cuda; as when the map was made if this machine has it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the tags, check the files, map again into a temporary folder, tell what differs."""
    from fewscape.raster.comparison import compare_rasters

    record = read_record(arguments.map)
    other = {"scene": None} if record.is_of_pair else {"pan": None, "ms": None}
    kind = "the map of a pair" if record.is_of_pair else "the map of a scene"
    values.refuse(arguments, other, f"was given for '{arguments.map}'", f"this is {kind}")
    words = find_inputs(record, arguments)
    device = arguments.device or _choose_device(record)
    for note in _list_notes(record, device):
        print(f"note: {note}")
    with tempfile.TemporaryDirectory(prefix="fewscape-") as folder:
        made = _map_again(record, words, device, Path(folder))
        difference = compare_rasters(arguments.map, made)
    print(_tell(record, difference))
    return DIFFERENT if difference.differing else 0


def _map_again(record: MapRecord, words: list[str], device: str, folder: Path) -> Path:
    """The new raster of the same layer."""
    from fewscape.cli import map as map_command
    from fewscape.cli.main import make_parser
    from fewscape.core import ConfigError

    quick = ["--output", str(folder), "--no_vectors", "--no_preview", "--no_styles"]
    parsed = make_parser("map", map_command).parse_args([*words, *quick, "--device", device])
    for name, value in record.parameters.items():
        if name in (*OUTPUTS, "device", "weights"):
            continue
        if not hasattr(parsed, name):
            raise ConfigError(
                f"'{record.path}' tells a parameter '{name}' that this version does not know",
                f"it was written by fewscape {record.version}, this is {__version__}",
                f"install that version: pip install fewscape=={record.version}",
            )
        setattr(parsed, name, tuple(value) if isinstance(value, list) else value)
    parsed.batch_size = int(record.tags.get("BATCH_SIZE", parsed.batch_size))  # less memory, fewer
    with contextlib.redirect_stdout(io.StringIO()):
        map_command.run(parsed)
    return _find_layer(record, folder)


def _find_layer(record: MapRecord, folder: Path) -> Path:
    """The raster with the same band; files may have been renamed since."""
    from fewscape.core import ConfigError
    from fewscape.raster.gdal import open_raster

    found = {}
    for path in sorted(folder.glob("*.tif")):
        with open_raster(path) as dataset:
            found[dataset.descriptions[0]] = path
    if record.layer not in found:
        raise ConfigError(
            f"the band '{record.layer}' of '{record.path}' was not made again",
            f"there are: {', '.join(map(str, found))}",
            "give a raster that 'fewscape map' wrote",
        )
    return found[record.layer]


def _choose_device(record: MapRecord) -> str:
    """The kind of device that made the map, else the processor."""
    import torch

    recorded = str(record.parameters.get("device", "auto"))
    return "cpu" if recorded == "cuda" and not torch.cuda.is_available() else recorded


def _list_notes(record: MapRecord, device: str) -> list[str]:
    """Why pixels may differ although the files are the same."""
    from fewscape.zoo import MODELS

    notes = []
    if record.version != __version__:
        notes.append(f"the map was written by fewscape {record.version}, this is {__version__}")
    recorded = record.parameters.get("device")
    if recorded and device not in ("auto", recorded):
        notes.append(
            f"the map was made on '{recorded}', this run is on '{device}'; sums in another order "
            "may change the last digits"
        )
    if record.tags["MODEL"] in MODELS and not record.parameters.get("weights"):
        notes.append("the network had random weights or those of its name, which are not recorded")
    return notes


def _tell(record: MapRecord, difference: Difference) -> str:
    name, pixels = record.path.name, f"{difference.pixels:,}"
    if not difference.differing:
        return f"the same: all {pixels} pixels of '{name}' ({record.layer})"
    share = difference.differing / difference.pixels
    text = f"{difference.differing:,} of {pixels} pixels of '{name}' differ ({share:.3%})"
    if record.layer == "class":
        return text
    return f"{text}, by {difference.largest} of 254 steps at most"
