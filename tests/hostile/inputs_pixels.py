"""Rasters whose numbers are not plainly red, green and blue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.cases import Words, case, map_words
from tests.hostile.invented import PLACE, UTM, paint, truth, write_scene, write_vectors

KIND = "pixels"
COLOURS = {
    0: (125, 95, 60, 255),
    1: (130, 92, 64, 255),
    2: (40, 150, 190, 255),
    3: (44, 146, 186, 255),
}


def map_pixels(folder: Path, scene: object, *more: object) -> Words:
    return map_words(folder, scene, write_vectors(folder / "e.gpkg"), *more)


def numbers() -> np.ndarray:
    """Numbers of colours such that neighbours in number are far in colour."""
    noise = np.random.default_rng(0).integers(0, 2, truth().shape)
    return np.where(truth() == 1, 2 + noise, noise).astype(np.uint8)


@case(KIND)
def a_colour_table(folder: Path) -> Words:
    scrambled = {0: COLOURS[2], 1: COLOURS[0], 2: COLOURS[3], 3: COLOURS[1]}
    mixed = np.array([1, 3, 0, 2], np.uint8)[numbers()]
    return map_pixels(folder, write_scene(folder / "s.tif", mixed, colours=scrambled))


@case(KIND)
def a_colour_table_at_another_resolution(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", numbers(), colours=COLOURS)
    return map_pixels(folder, scene, "--resolution", 0.5)


@case(KIND)
def a_gif(folder: Path) -> Words:
    Image.fromarray(paint().transpose(1, 2, 0)).quantize(64).save(folder / "s.gif")
    labels = write_scene(folder / "l.tif", truth(), None, None)
    return map_words(folder, folder / "s.gif", labels)


@case(KIND, refused="holds complex numbers (complex64); expected real ones")
def complex_numbers(folder: Path) -> Words:
    pixels = paint().astype(np.complex64) * (1 + 1j)
    return map_pixels(folder, write_scene(folder / "s.tif", pixels))


@case(KIND)
def the_amplitude_of_complex_numbers(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", paint().astype(np.complex64)[2:])
    return map_pixels(folder, f"DERIVED_SUBDATASET:AMPLITUDE:{scene}")


def one_bit() -> np.ndarray:
    rng = np.random.default_rng(0)
    share = np.where(truth() == 1, 0.995, 0.005)
    return (rng.random((3, *share.shape)) < share).astype(np.uint8)


@case(KIND)
def one_bit_a_pixel(folder: Path) -> Words:
    return map_pixels(folder, write_scene(folder / "s.tif", one_bit(), nbits=1))


@case(KIND, told="0 to 4095")
def twelve_bits_a_pixel(folder: Path) -> Words:
    scene = write_scene(folder / "s.tif", paint().astype(np.uint16) * 16, nbits=12)
    return map_pixels(folder, scene, "--scale", "none")


def write_pages(path: Path, sizes: list[int]) -> Path:
    pages = [Image.fromarray(paint()[0]).resize((size, size)) for size in sizes]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


@case(KIND, refused="holds 3 rasters: GTIFF_DIR:1:")
def pages_of_one_size(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth(), None, None)
    return map_words(folder, write_pages(folder / "s.tif", [96, 96, 96]), labels)


@case(KIND, check=lambda folder: (folder / "out" / "s_classes.tif").is_file())
def a_page_in_small(folder: Path) -> Words:
    labels = write_scene(folder / "l.tif", truth(), None, None)
    return map_words(folder, write_pages(folder / "s.tif", [96, 32]), labels)


def write_vrt(folder: Path, kinds: list[str]) -> Path:
    bands = []
    for number, kind in enumerate(kinds, start=1):
        name = f"{number}.tif"
        pixels = paint()[(number - 1) % 3].astype(kind)
        write_scene(folder / name, pixels if kind == "uint8" else pixels * pixels.dtype.type(3))
        word = {"uint8": "Byte", "uint16": "UInt16", "float32": "Float32"}[kind]
        bands.append(
            f'<VRTRasterBand dataType="{word}" band="{number}"><SimpleSource><SourceFilename '
            f'relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
            "</VRTRasterBand>"
        )
    place = ", ".join(map(str, PLACE.to_gdal()))
    (folder / "s.vrt").write_text(
        f'<VRTDataset rasterXSize="96" rasterYSize="96"><SRS>{UTM}</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{''.join(bands)}</VRTDataset>"
    )
    return folder / "s.vrt"


@case(KIND)
def bands_of_different_types(folder: Path) -> Words:
    return map_pixels(folder, write_vrt(folder, ["uint16", "float32", "uint16"]))


@case(KIND)
def a_byte_before_floats(folder: Path) -> Words:
    return map_pixels(folder, write_vrt(folder, ["uint8", "float32", "float32"]), "--bands", "2,3")


@case(KIND)
def bands_of_different_types_at_another_resolution(folder: Path) -> Words:
    scene = write_vrt(folder, ["uint16", "float32", "uint16"])
    return map_pixels(folder, scene, "--resolution", 0.5)


def with_mark(mark: float, kind: str) -> np.ndarray:
    pixels = paint().astype(kind)
    pixels[:, 86:, :50] = mark
    return pixels


@case(KIND, told="band 1 has the value -9999 in 5.4% of its pixels", check=lambda folder: True)
def a_mark_of_9999(folder: Path) -> Words:
    return map_pixels(folder, write_scene(folder / "s.tif", with_mark(-9999, "float32")))


@case(KIND, told="use --nodata 65535", check=lambda folder: True)
def a_mark_of_65535(folder: Path) -> Words:
    return map_pixels(folder, write_scene(folder / "s.tif", with_mark(65535, "uint16")))


def leaves_corner_empty(folder: Path) -> bool:
    import rasterio

    with rasterio.open(folder / "out" / "s_classes.tif") as dataset:
        found = dataset.read(1)
    return bool((found[86:, :50] == 255).all() and (found[:80] != 255).all())


@case(KIND, check=leaves_corner_empty)
def the_least_float(folder: Path) -> Words:
    mark = float(np.finfo(np.float32).min)
    return map_pixels(folder, write_scene(folder / "s.tif", with_mark(mark, "float32")))


@case(KIND, told="band 1 0.22 to 1.32")
def scale_and_offset(folder: Path) -> Words:
    def edit(dataset: Any) -> None:
        dataset.scales, dataset.offsets = (0.01, 0.001, 0.02), (-0.1, 0.0, 0.5)

    scene = write_scene(folder / "s.tif", paint().astype(np.uint16), edit=edit)
    return map_pixels(folder, scene)


@case(KIND, refused="it is a text that points to other files")
def a_virtual_raster_called_png(folder: Path) -> Words:
    write_vrt(folder, ["uint8", "uint8", "uint8"]).rename(folder / "s.png")
    return map_pixels(folder, folder / "s.png")


@case(KIND, refused="damaged or not a raster")
def a_web_service_called_tif(folder: Path) -> Words:
    (folder / "s.tif").write_text("<GDAL_WMS><Service name='TMS'></Service></GDAL_WMS>")
    return map_pixels(folder, folder / "s.tif")


@case(KIND, refused="damaged or not a raster")
def text_called_tif(folder: Path) -> Words:
    (folder / "s.tif").write_text("not at all")
    return map_pixels(folder, folder / "s.tif")


@case(KIND, refused="damaged or not a raster")
def a_container_without_a_raster(folder: Path) -> Words:
    (folder / "s.vrt").write_text('<VRTDataset rasterXSize="9" rasterYSize="9"></VRTDataset>')
    return map_pixels(folder, folder / "s.vrt")


@case(KIND, refused="pixels by its header")
def a_header_without_end(folder: Path) -> Words:
    side = 2**31 - 1
    (folder / "s.vrt").write_text(
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><VRTRasterBand dataType="Byte" '
        'band="1"></VRTRasterBand></VRTDataset>'
    )
    return map_pixels(folder, folder / "s.vrt")
