"""Typical colours of classes by name."""

from __future__ import annotations

import re

Shades = tuple[tuple[int, int, int], ...]

FAMILIES: tuple[tuple[str, Shades], ...] = (
    (
        "water sea ocean river lake stream flood flooded flooding pond canal pool reservoir lagoon "
        "waterbody waterway",
        ((28, 107, 190), (95, 175, 235), (15, 55, 130), (0, 160, 200), (140, 165, 240)),
    ),
    (
        "vegetation plant shrub bush scrub mangrove wetland orchard",
        ((66, 157, 66), (150, 200, 120), (20, 100, 70), (0, 175, 120), (110, 135, 30)),
    ),
    (
        "tree forest wood woodland canopy conifer",
        ((16, 105, 45), (70, 150, 90), (0, 70, 50), (90, 130, 20), (0, 155, 90)),
    ),
    (
        "grass meadow turf lawn grassland pasture",
        ((148, 203, 84), (90, 190, 60), (190, 225, 150), (120, 160, 50), (60, 215, 120)),
    ),
    (
        "building roof rooftop house built builtup hut shed urban settlement residential",
        ((230, 75, 53), (165, 25, 45), (250, 145, 125), (255, 40, 90), (115, 30, 20)),
    ),
    (
        "road street highway pavement paving asphalt path parking carpark runway railway rail",
        ((125, 125, 128), (175, 175, 178), (82, 82, 88), (115, 130, 150), (155, 140, 130)),
    ),
    (
        "soil bare ground land dirt earth barren rock mud clay",
        ((150, 100, 55), (195, 145, 100), (100, 65, 40), (170, 125, 120), (125, 95, 85)),
    ),
    (
        "sand beach desert dune",
        ((218, 188, 135), (190, 150, 85), (240, 215, 180), (160, 110, 60), (120, 80, 45)),
    ),
    (
        "crop field farmland farm cropland agriculture agricultural wheat maize corn rice",
        ((245, 208, 66), (200, 160, 20), (250, 232, 150), (225, 180, 105), (180, 170, 60)),
    ),
    ("cloud", ((255, 255, 255), (222, 228, 240), (200, 205, 210))),
    ("snow ice glacier", ((215, 240, 250), (170, 210, 225), (190, 200, 235))),
    ("shadow shade", ((45, 45, 55), (70, 60, 90), (25, 35, 30))),
    (
        "car vehicle truck bus van lorry",
        ((150, 70, 190), (200, 140, 225), (95, 35, 130), (215, 70, 200), (110, 95, 215)),
    ),
)
"""Words, and shades in the order of use."""

NEGATIONS = {"no", "non", "not", "without"}

_BY_WORD = {word: shades for words, shades in FAMILIES for word in words.split()}


def find_shades(name: str) -> Shades:
    """Shades that suit a class name, best first; empty if there are none.

    The last word decides, as in "cloud shadow"; words in brackets are used only if no other word
    matches.

    Examples:
        >>> find_shades("land (unpaved)")[0], find_shades("Other")
        ((150, 100, 55), ())
    """
    outside = re.sub(r"[(\[{][^)\]}]*[)\]}]?", " ", name)
    return _find_last(outside) or _find_last(name)


def _find_last(text: str) -> Shades:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    words = re.findall(r"[^\W\d_]+", apart)
    if NEGATIONS.intersection(words):
        return ()
    for place in range(len(words) - 1, -1, -1):
        word = words[place]
        before = words[place - 1] if place else ""  # "car park" is no car
        for form in (before + word, word):
            for single in (form, form.removesuffix("s"), form.removesuffix("es")):
                if single in _BY_WORD:
                    return _BY_WORD[single]
    return ()
