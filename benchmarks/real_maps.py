r"""Maps of real scenes from a few examples, scored outside the examples.

    .venv/bin/python benchmarks/real_maps.py --root data --output real_maps \
        --model embedded

Two tasks: buildings of a panchromatic satellite scene (spacenet_atlanta) from five of its
polygons, and water on a satellite image (dubai_mbrsc) from another image's labels. Both run
``fewscape map`` as a user does. Scores are intersection over union; the first excludes the five
polygons used as examples.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from rasterio.features import rasterize

from fewscape.cli.main import main as fewscape

SHOWN = 5
WATER = 4
WATER_PAIR = ("tile1_part005", "tile1_part006")
"""Image with example labels, and image to map."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="draws of the five polygons")
    arguments, model = parser.parse_known_args()
    buildings = [
        map_buildings(arguments.root, arguments.output / f"buildings_{seed}", model, seed)
        for seed in range(arguments.seeds)
    ]
    results = {
        "options": model,
        "atlanta_building_iou": buildings,
        "atlanta_building_iou_mean": float(np.mean(buildings)),
        "dubai_water_iou": map_water(arguments.root, arguments.output / "water", model),
    }
    (arguments.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


def map_buildings(root: Path, output: Path, model: list[str], seed: int) -> float:
    """IoU over the scene, outside the example polygons."""
    folder = root / "georef" / "spacenet_atlanta"
    scene = folder / "pan_0.5m.tif"
    meta, _, wkb, values = pyogrio.raw.read(folder / "buildings.geojson", columns=["class"])
    shown = np.zeros(len(wkb), bool)
    shown[np.random.default_rng(seed).choice(len(wkb), SHOWN, replace=False)] = True
    output.mkdir(parents=True, exist_ok=True)
    examples = output / "examples.gpkg"
    pyogrio.raw.write(
        examples,
        wkb[shown],
        [values[0][shown]],
        ["class"],
        geometry_type="Polygon",
        crs=meta["crs"],
        driver="GPKG",
    )
    run(scene, "--examples", examples, "--bands", "1,1,1", "--output", output, *model)
    with rasterio.open(output / "pan_0.5m_classes.tif") as dataset:
        classes, transform = dataset.read(1), dataset.transform
    polygons = shapely.from_wkb(wkb)
    truth = rasterize(polygons, classes.shape, transform=transform) == 1
    taught = rasterize(polygons[shown], classes.shape, transform=transform) == 1
    return score(classes == 1, truth, (classes != 255) & ~taught)


def map_water(root: Path, output: Path, model: list[str]) -> float:
    """IoU of water on an image without example labels."""
    folder = root / "dubai_mbrsc"
    source, target = (next((folder / "images").glob(f"{name}.*")) for name in WATER_PAIR)
    labels = folder / "labels" / f"{WATER_PAIR[0]}.png"
    chosen = ("--example_scene", source, "--classes", "water", "--output", output)
    run(target, "--examples", labels, *chosen, *model)
    with rasterio.open(output / f"{WATER_PAIR[1]}_classes.tif") as dataset:
        classes = dataset.read(1)
    with rasterio.open(folder / "labels" / f"{WATER_PAIR[1]}.png") as dataset:
        truth = dataset.read(1)
    return score(classes == 1, truth == WATER, truth != 255)


def run(*words: object) -> None:
    """Run ``fewscape map``; exit if it fails."""
    code = fewscape(["map", *map(str, words)])
    if code:
        raise SystemExit(code)


def score(found: np.ndarray, truth: np.ndarray, known: np.ndarray) -> float:
    """Intersection over union of known pixels."""
    union = ((found | truth) & known).sum()
    return float((found & truth & known).sum() / max(1, union))


if __name__ == "__main__":
    main()
