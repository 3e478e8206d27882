"""Tiny labelled folders for the main job: grounds of plain colours with some noise."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {0: (40, 120, 40), 1: (200, 60, 50), 2: (40, 60, 200)}
NAMES = {0: "grass", 1: "roof", 2: "water"}


def write_folder(
    folder: Path,
    scenes: dict[str, np.ndarray],
    names: dict[int, str] = NAMES,
    has_nir: bool = False,
) -> Path:
    """Labels by stem become images in which every class has its colour."""
    for part in ("images", "labels", *(["nir"] if has_nir else [])):
        (folder / part).mkdir(parents=True)
    classes = {"classes": {str(key): name for key, name in names.items()}, "ignore": 255}
    (folder / "classes.json").write_text(json.dumps(classes))
    rng = np.random.default_rng(0)
    for stem, labels in scenes.items():
        image = np.zeros((*labels.shape, 3), np.int64)
        for number, colour in COLOURS.items():
            image[labels == number] = colour
        image = np.clip(image + rng.integers(-12, 13, image.shape), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(folder / "images" / f"{stem}.png")
        Image.fromarray(labels).save(folder / "labels" / f"{stem}.png")
        if has_nir:
            nir = np.where(labels == 0, 230, 20).astype(np.uint8)
            Image.fromarray(nir).save(folder / "nir" / f"{stem}.png")
    return folder


def halves(first: int, second: int, size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """One class on the left, one on the right, unknown in a corner."""
    labels = np.full(size, first, np.uint8)
    labels[:, size[1] // 2 :] = second
    labels[:3, :3] = 255
    return labels


def thirds() -> np.ndarray:
    """All three classes, in stripes."""
    labels = halves(0, 2)
    labels[:, 22:43] = 1
    return labels
