from xml.etree import ElementTree

from fewscape.raster.writing.qml import style_classes, style_polygons, style_ramp

NAMES = ["roof & shed", 'the "<road>"']
COLOURS = [(255, 0, 16), (1, 2, 3)]


def test_class_maps_have_names_and_colours():
    table = dict(enumerate([(9, 9, 9), *COLOURS]))
    root = ElementTree.fromstring(style_classes(dict(enumerate(["background", *NAMES])), table))
    renderer = root.find("pipe/rasterrenderer")
    assert renderer.attrib["type"] == "paletted"
    assert renderer.attrib["band"] == "1"
    entries = [entry.attrib for entry in renderer.findall("colorPalette/paletteEntry")]
    assert [(entry["value"], entry["label"]) for entry in entries] == [
        ("0", "background"),
        ("1", NAMES[0]),
        ("2", NAMES[1]),
    ]
    assert [entry["color"] for entry in entries] == ["#090909", "#ff0010", "#010203"]
    assert [entry["alpha"] for entry in entries] == ["0", "255", "255"]


def test_numbers_have_a_ramp_over_their_real_values():
    root = ElementTree.fromstring(style_ramp())
    renderer = root.find("pipe/rasterrenderer")
    assert renderer.attrib["type"] == "singlebandpseudocolor"
    items = renderer.findall("rastershader/colorrampshader/item")
    values = [float(item.attrib["value"]) for item in items]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 1)


def test_polygons_are_told_apart_by_their_class():
    root = ElementTree.fromstring(style_polygons(NAMES, COLOURS))
    renderer = root.find("renderer-v2")
    assert renderer.attrib["type"] == "categorizedSymbol"
    assert renderer.attrib["attr"] == "class"
    categories = renderer.findall("categories/category")
    assert [category.attrib["value"] for category in categories] == NAMES
    symbols = {symbol.attrib["name"]: symbol for symbol in renderer.findall("symbols/symbol")}
    for category, colour in zip(categories, COLOURS, strict=True):
        layer = symbols[category.attrib["symbol"]].find("layer")
        options = {o.attrib["name"]: o.attrib["value"] for o in layer.findall("Option/Option")}
        assert layer.attrib["class"] == "SimpleFill"
        assert options["color"].startswith(",".join(map(str, colour)))
