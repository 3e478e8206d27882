"""QGIS styles, which set colours and names when a file is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from fewscape.raster.writing.palette import Colour

VERSION = "3.28.0"
"""QGIS version of the format; later ones read it too."""

RAMP: tuple[tuple[float, Colour], ...] = (
    (0.0, (68, 1, 84)),
    (0.25, (59, 82, 139)),
    (0.5, (33, 145, 140)),
    (0.75, (94, 201, 98)),
    (1.0, (253, 231, 37)),
)
"""Viridis at five places."""

FILL = 110
"""Opacity of polygons, of 255, so that the image stays visible."""


def style_classes(names: Mapping[int, str], colours: Mapping[int, Colour]) -> str:
    """Style of a class map; the background, value 0, is transparent.

    Args:
        names: names of the values.
        colours: colours of the values.

    Returns:
        XML for a ``.qml`` file beside the raster.
    """
    root, renderer = _begin_raster("paletted")
    palette = SubElement(renderer, "colorPalette")
    for value, name in sorted(names.items()):
        SubElement(
            palette,
            "paletteEntry",
            value=str(value),
            label=name,
            color=_hex(colours[value]),
            alpha="255" if value else "0",
        )
    return _finish(root)


def style_ramp() -> str:
    """Style of a probability or another number in [0, 1], from dark blue to yellow.

    Stored values are steps of 1 / 254; QGIS applies the file's scale, so the ramp is in [0, 1].
    """
    root, renderer = _begin_raster("singlebandpseudocolor")
    renderer.set("classificationMin", "0")
    renderer.set("classificationMax", "1")
    shader = SubElement(
        SubElement(renderer, "rastershader"),
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        minimumValue="0",
        maximumValue="1",
        clip="0",
    )
    for value, colour in RAMP:
        SubElement(
            shader,
            "item",
            value=f"{value:g}",
            label=f"{value:.0%}",
            color=_hex(colour),
            alpha="255",
        )
    return _finish(root)


def style_polygons(names: Sequence[str], colours: Sequence[Colour]) -> str:
    """Style of polygons by their field ``class``.

    Args:
        names: names of the K classes.
        colours: colours of the K classes.
    """
    root = Element("qgis", version=VERSION, styleCategories="Symbology")
    renderer = SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class")
    renderer.set("enableorderby", "0")
    categories = SubElement(renderer, "categories")
    symbols = SubElement(renderer, "symbols")
    for number, (name, colour) in enumerate(zip(names, colours, strict=False)):
        key = str(number)
        SubElement(
            categories, "category", value=name, label=name, symbol=key, render="true", type="string"
        )
        symbol = SubElement(symbols, "symbol", type="fill", name=key, alpha="1")
        layer = SubElement(symbol, "layer")
        for attribute, value in (("class", "SimpleFill"), ("enabled", "1"), ("pass", "0")):
            layer.set(attribute, value)
        options = SubElement(layer, "Option", type="Map")
        for option, value in _describe_fill(colour).items():
            SubElement(options, "Option", name=option, value=value, type="QString")
    return _finish(root)


def _describe_fill(colour: Colour) -> dict[str, str]:
    red, green, blue = map(str, colour)
    return {
        "color": f"{red},{green},{blue},{FILL}",
        "style": "solid",
        "outline_color": f"{red},{green},{blue},255",
        "outline_style": "solid",
        "outline_width": "0.3",
        "outline_width_unit": "MM",
    }


def _begin_raster(kind: str) -> tuple[Element, Element]:
    """The style of a raster of one band, and its renderer."""
    root = Element("qgis", version=VERSION, styleCategories="Symbology")
    renderer = SubElement(SubElement(root, "pipe"), "rasterrenderer", type=kind)
    for name, value in (("band", "1"), ("opacity", "1"), ("alphaBand", "-1"), ("nodataColor", "")):
        renderer.set(name, value)
    return root, renderer


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _finish(root: Element) -> str:
    ElementTree.indent(root)
    document = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return document + ElementTree.tostring(root, encoding="unicode") + "\n"
