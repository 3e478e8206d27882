"""Tiny invented data sets: coloured rectangles whose colour is their class."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = {0: "ground", 1: "red", 2: "blue"}
COLOURS = np.array([[90, 90, 90], [220, 30, 30], [30, 30, 220]], np.uint8)


def draw_labels(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Ground with one red and one blue rectangle, and a corner without labels."""
    labels = np.zeros(size, np.uint8)
    for class_id in (1, 2):
        height, width = rng.integers(size[0] // 4, size[0] // 2, size=2)
        row, col = rng.integers(0, size[0] - height), rng.integers(0, size[1] - width)
        labels[row : row + height, col : col + width] = class_id
    labels[:3, :3] = 255
    return labels


def paint(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) of the classes' colours with a little noise."""
    colours = np.vstack([COLOURS, np.zeros((253, 3), np.uint8)])[labels].astype(int)
    return np.clip(colours + rng.integers(-8, 9, size=colours.shape), 0, 255).astype(np.uint8)


def write_classes(folder: Path, classes: dict[int, str] = CLASSES, ignore: int = 255) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"classes": {str(k): v for k, v in classes.items()}, "ignore": ignore})
    (folder / "classes.json").write_text(text)


def write_pair(folder: Path, stem: str, image: np.ndarray, labels: np.ndarray) -> None:
    for name, pixels in (("images", image), ("labels", labels)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{stem}.png")


def write_dataset(
    folder: Path, num_images: int = 5, size: tuple[int, int] = (48, 48), seed: int = 0
) -> Path:
    rng = np.random.default_rng(seed)
    write_classes(folder)
    for number in range(num_images):
        labels = draw_labels(rng, size)
        write_pair(folder, f"{number:03d}", paint(labels, rng), labels)
    return folder
