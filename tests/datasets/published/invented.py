"""Tiny archives in the exact layout of the published data sets."""

import io
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image

ISPRS_COLOURS = np.array(
    [
        [255, 255, 255],
        [0, 0, 255],
        [0, 255, 255],
        [0, 255, 0],
        [255, 255, 0],
        [255, 0, 0],
        [0, 0, 0],
    ],
    np.uint8,
)


def as_png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def as_tiff(pixels: np.ndarray) -> bytes:
    """(H, W, 3) as the uncompressed TIFF of the originals."""
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", height=pixels.shape[0], width=pixels.shape[1], count=3, dtype="uint8"
        ) as file:
            file.write(pixels.transpose(2, 0, 1))
        return bytes(memory.read())


def zip_files(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def write_loveda(folder: Path, rng: np.random.Generator, size: int = 8) -> dict[str, np.ndarray]:
    """Three archives with one urban and one rural image each; the raw masks by stem."""
    folder.mkdir(parents=True, exist_ok=True)
    masks = {}
    number = 0
    for split in ("Train", "Val", "Test"):
        files = {}
        for area in ("Urban", "Rural"):
            image = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
            files[f"{split}/{area}/images_png/{number}.png"] = as_png(image)
            if split != "Test":
                mask = rng.integers(0, 8, (size, size)).astype(np.uint8)
                files[f"{split}/{area}/masks_png/{number}.png"] = as_png(mask)
                masks[str(number)] = mask
            number += 1
        (folder / f"{split}.zip").write_bytes(zip_files(files))
    return masks


def draw_isprs(
    rng: np.random.Generator, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, ids and eroded ids (6 the boundary) of a tile."""
    ids = rng.integers(0, 6, size)
    eroded = np.where(rng.random(size) < 0.2, 6, ids)
    return rng.integers(0, 256, (*size, 3)).astype(np.uint8), ids, eroded


def write_vaihingen(folder: Path, rng: np.random.Generator, tiles: tuple[int, ...]) -> dict:
    """The three archives; ids and eroded ids by tile."""
    folder.mkdir(parents=True, exist_ok=True)
    top, full, eroded, truth = {}, {}, {}, {}
    for tile in tiles:
        image, ids, thin = draw_isprs(rng, (9, 7))
        name = f"top_mosaic_09cm_area{tile}"
        top[f"top/{name}.tif"] = as_tiff(image)
        top[f"dsm/dsm_09cm_matching_area{tile}.tif"] = b"not read"
        if tile % 2:  # the participants' part repeats the labels of the training tiles
            top[f"gts_for_participants/{name}.tif"] = as_tiff(ISPRS_COLOURS[ids])
        full[f"{name}.tif"] = as_tiff(ISPRS_COLOURS[ids])
        eroded[f"{name}_noBoundary.tif"] = as_tiff(ISPRS_COLOURS[thin])
        truth[str(tile)] = (ids, thin)
    stem = "ISPRS_semantic_labeling_Vaihingen"
    for ending, files in (
        ("", top),
        ("_ground_truth_COMPLETE", full),
        ("_ground_truth_eroded_COMPLETE", eroded),
    ):
        (folder / f"{stem}{ending}.zip").write_bytes(zip_files(files))
    return truth


def write_potsdam(folder: Path, rng: np.random.Generator, tiles: tuple[str, ...]) -> dict:
    """One archive of archives, as it is distributed; ids and eroded ids by tile."""
    folder.mkdir(parents=True, exist_ok=True)
    images, full, eroded, truth = {}, {}, {}, {}
    for tile in tiles:
        image, ids, thin = draw_isprs(rng, (6, 6))
        images[f"2_Ortho_RGB/top_potsdam_{tile}_RGB.tif"] = as_tiff(image)
        images[f"2_Ortho_RGB/top_potsdam_{tile}_RGB.tfw"] = b"0.05"
        full[f"top_potsdam_{tile}_label.tif"] = as_tiff(ISPRS_COLOURS[ids])
        eroded[f"top_potsdam_{tile}_label_noBoundary.tif"] = as_tiff(ISPRS_COLOURS[thin])
        truth[tile] = (ids, thin)
    parts = {
        "Potsdam/2_Ortho_RGB.zip": zip_files(images),
        "Potsdam/5_Labels_all.zip": zip_files(full),
        "Potsdam/5_Labels_all_noBoundary.zip": zip_files(eroded),
    }
    (folder / "Potsdam.zip").write_bytes(zip_files(parts))
    return truth


def write_isaid(
    folder: Path, rng: np.random.Generator, size: int = 300, objects: int = 1
) -> dict[str, np.ndarray]:
    """Two scenes of iSAID as distributed, one for each split; ids by name."""
    from fewscape.datasets.published.isaid import ISAID

    truth = {}
    colours = np.array(ISAID.colours, np.uint8)
    for number, split in enumerate(("train", "val")):
        stem = f"P{number:04d}"
        ids = np.zeros((size, size + 250), np.uint8)
        for class_id in objects * [*range(1, 16)]:
            row, col = rng.integers(0, size - 20), rng.integers(0, size - 70)
            ids[row : row + 12, col : col + 12] = class_id
        image = rng.integers(0, 256, (*ids.shape, 3)).astype(np.uint8)
        images = folder / split / "images"
        images.mkdir(parents=True)
        (images / "part1.zip").write_bytes(zip_files({f"images/{stem}.png": as_png(image)}))
        masks = {
            f"images/{stem}_instance_color_RGB.png": as_png(colours[ids]),
            f"images/{stem}_instance_id_RGB.png": as_png(image),
        }
        (folder / split / "Semantic_masks.zip").write_bytes(zip_files(masks))
        truth[stem] = ids
    return truth


def write_dlrsd(folder: Path, rng: np.random.Generator, images: int = 10) -> dict[str, np.ndarray]:
    """UC Merced and DLRSD with two scenes, zipped and unpacked; raw ids by name."""
    folder.mkdir(parents=True, exist_ok=True)
    truth, pictures = {}, {}
    for scene in ("airplane", "beach"):
        labels = folder / "DLRSD" / "Labels" / scene
        labels.mkdir(parents=True)
        for number in range(images):
            stem = f"{scene}{number:02d}"
            ids = rng.integers(1, 18, (16, 15)).astype(np.uint8)
            image = rng.integers(0, 256, (16, 15, 3)).astype(np.uint8)
            pictures[f"UCMerced_LandUse/Images/{scene}/{stem}.tif"] = as_tiff(image)
            drawn = Image.fromarray(ids, "P")
            drawn.putpalette(rng.integers(0, 256, 768).tolist())
            drawn.save(labels / f"{stem}.png")
            truth[stem] = ids
    (folder / "UCMerced_LandUse.zip").write_bytes(zip_files(pictures))
    return truth


ISAID_LAYOUTS = {
    "mgcl": (
        "{split}/images/{stem}.png",
        "{split}/semantic_png/{stem}_instance_color_RGB.png",
        "splits/{split}/fold{fold}.txt",
        "{stem}__{number}",
        "train",
    ),
    "pcfnet": (
        "{split}/images/{stem}.png",
        "{split}/semantic_png/{stem}.png",
        "{split}/list/split{fold}.txt",
        "{stem}_{number:02d}",
        "trn",
    ),
    "r2net": (
        "img_dir/{split}/{stem}.png",
        "ann_dir/{split}/{stem}_instance_color_RGB.png",
        "lists/iSAID/{split}.txt",
        "img_dir/{split}/{stem}.png ann_dir/{split}/{stem}_instance_color_RGB.png",
        "train",
    ),
}
"""Paths of image, mask and list, a row of the list, and the name of the training folder."""


def write_isaid_tiles(
    folder: Path,
    rng: np.random.Generator,
    layout: str,
    tiles: int = 4,
    side: int = 64,
    classes: int = 6,
) -> dict[str, dict[str, np.ndarray]]:
    """Tiles as others have cut them, with their lists; ids by split and name.

    The last tile of each split stands in no list.
    """
    image, mask, list_path, row, train = ISAID_LAYOUTS[layout]
    truth = {}
    for place, split in enumerate((train, "val")):
        own, rows = {}, {}
        for number in range(tiles):
            stem = f"P{place}{number:03d}_0_{side}_206_{206 + side}"
            ids = np.zeros((side, side), np.uint8)
            for class_id in rng.permutation(np.arange(1, 16))[:classes]:
                top, left = rng.integers(0, side - 8, 2)
                ids[top : top + 8, left : left + 8] = class_id
            picture = rng.integers(0, 256, (side, side, 3)).astype(np.uint8)
            for template, pixels in ((image, picture), (mask, ids)):
                path = folder / template.format(split=split, stem=stem)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(as_png(pixels))
            own[stem] = ids
            for class_id in np.setdiff1d(ids, 0).tolist():
                path = list_path.format(split=split, fold=(class_id - 1) // 5)
                text = row.format(split=split, stem=stem, number=class_id)
                if number < tiles - 1 and text not in rows.setdefault(path, []):
                    rows[path].append(text)
        for path, lines in rows.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("\n".join(lines) + "\n")
        truth["train" if place == 0 else split] = own
    return truth


def write_dlrsd_lists(
    folder: Path, truth: dict[str, np.ndarray], layout: str = "pcfnet"
) -> dict[str, list[set[tuple[str, int]]]]:
    """The lists of DLRSD-B beside what ``write_dlrsd`` wrote; pairs by split and fold.

    As in the published ones, a training image of one fold may be a test image of another.
    """
    from fewscape.datasets.protocols import DLRSD_B

    pairs = {"train": [], "val": []}
    for fold, numbers in enumerate(DLRSD_B):
        for split, own in pairs.items():
            chosen = {
                (stem, number)
                for place, (stem, ids) in enumerate(sorted(truth.items()))
                for number in numbers
                if (ids == number).any() and ((place + fold) % 3 == 0) == (split == "val")
            }
            own.append(chosen)
            short = {"train": "trn", "val": "val"}[split]
            if layout == "pcfnet":
                path = folder / "DLRSD_5i" / short / f"split{fold}.txt"
                rows = [f"{stem.rstrip('0123456789')}/{stem}_{n}" for stem, n in sorted(chosen)]
            else:
                path = folder / short / f"fold{fold}.txt"
                rows = [f"{stem}__{n}" for stem, n in sorted(chosen)]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(rows) + "\n")
    return pairs
