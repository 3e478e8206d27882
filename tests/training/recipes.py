"""A recipe so small that a run takes a second."""

import copy
import csv
from pathlib import Path

import yaml

from tests.datasets.invented import write_dataset

STEPS_PER_EPOCH = 2

SMALL = {
    "seed_everything": 0,
    "trainer": {
        "accelerator": "cpu",
        "max_epochs": 1,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
    },
    "model": {
        "model": {
            "class_path": "fewscape.models.MGCL",
            "init_args": {"backbone": {"name": "test_resnet", "training_mode": "full"}},
        },
        "lr": 0.01,
        "schedule": "constant",
    },
    "data": {
        "held_out": ["blue"],
        "image_size": 64,
        "batch_size": 2,
        "episodes_per_epoch": 2 * STEPS_PER_EPOCH,
        "val_episodes": 4,
    },
}


def write_recipe(folder: Path, changes: dict | None = None) -> Path:
    """A recipe for eight invented images; ``changes`` maps dotted keys to values."""
    if not (folder / "toy").exists():
        write_dataset(folder / "toy", 8, (96, 96))
    recipe = copy.deepcopy(SMALL)
    recipe["data"]["folders"] = {"root": str(folder), "names": ["toy"]}
    recipe["trainer"]["default_root_dir"] = str(folder / "run")
    for key, value in (changes or {}).items():
        *sections, name = key.split(".")
        place = recipe
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def read_log(run: Path, column: str = "train/loss", version: int = 0) -> list[float]:
    """A column of the log, in the order of the steps."""
    with (run / "csv" / f"version_{version}" / "metrics.csv").open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row.get(column)]
