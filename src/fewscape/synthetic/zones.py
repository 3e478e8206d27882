"""Land use: which blocks of the plan become suburb, industry, farmland and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fewscape.synthetic import lots_built, lots_open
from fewscape.synthetic.ground import add_roads
from fewscape.synthetic.layout import Rect, Road, StreetPlan
from fewscape.synthetic.objects import add_car
from fewscape.synthetic.site import Site
from fewscape.synthetic.spec import Cover

Filler = Callable[[Site, Rect], None]
Lots = list[tuple[Filler, Rect]]


def deal_uses(density: float, num: int) -> list[str]:
    """Land uses for ``num`` blocks, the most needed first, in shares that fit the density.

    The largest blocks take the first uses, so that a small scene still shows what needs room.
    """
    shares = {
        name: max(0.0, rural + density * (urban - rural))
        for name, (rural, urban) in _SHARES.items()
    }
    total = sum(shares.values())
    given = dict.fromkeys(shares, 0)
    uses: list[str] = []
    for turn in range(1, num + 1):
        lacking = {name: shares[name] / total * turn - given[name] for name in shares}
        use = max(lacking, key=lambda name: lacking[name])
        given[use] += 1
        uses.append(use)
    firsts = [name for name in shares if given[name]]
    for name in firsts:
        uses.remove(name)
    return firsts + uses


def build_zones(site: Site, plan: StreetPlan, sidewalk: float) -> None:
    """Give every visible block a use, lay the side streets and fill the lots."""
    blocks = _visible(site, plan.blocks)
    streets: list[Road] = []
    lots_of: Lots = []
    for block, use in zip(blocks, deal_uses(site.density, len(blocks)), strict=True):
        lots_of += _USES[use](site, block, streets)
    add_roads(site, [*plan.roads, *streets], sidewalk)
    for filler, rect in lots_of:
        filler(site, rect)
    for road in [*plan.roads, *streets]:
        _line_road(site, road, sidewalk)


def _visible(site: Site, blocks: Sequence[Rect]) -> list[Rect]:
    """Blocks inside the scene, roughly the largest first."""
    areas = []
    for block in blocks:
        patch = site.frame.patch(block)
        free = None if patch is None else patch.inside & ~site.canvas.taken[patch.slices]
        area = 0 if free is None else int(np.count_nonzero(free))
        areas.append(area * site.between(0.75, 1.33))
    order = np.argsort(np.array(areas), kind="stable")[::-1]
    return [blocks[int(index)] for index in order if areas[int(index)] > 0]


def _line_road(site: Site, road: Road, sidewalk: float) -> None:
    """Cars and, on the pavements, trees along a road."""
    rng = site.rng
    step = site.between(22, 70) / (0.5 + site.density)
    for along in np.arange(road.start + 6, road.stop - 6, step):
        lane = road.width * (0.25 if site.chance(0.5) else -0.25)
        _drive(site, road, float(along) + site.between(-5, 5), lane)
    if not road.is_main and site.chance(0.3 + 0.4 * site.density):
        for along in np.arange(road.start + 14, road.stop - 14, 6.2):
            if rng.random() < 0.35:
                side = 1 if site.chance(0.5) else -1
                _drive(site, road, float(along), side * (road.width / 2 - 1.15))
    if site.chance(0.55):
        tint = int(rng.integers(len(site.grove.tints)))
        for along in np.arange(road.start + 9, road.stop - 9, site.between(9, 15)):
            for side in (-1, 1):
                point = road.point(float(along), side * (road.width / 2 + sidewalk + 0.4))
                if site.chance(0.8):
                    site.plant(*point, site.between(1.6, 3.4), tint)


def _drive(site: Site, road: Road, along: float, across: float) -> None:
    pose = site.pose(*road.point(along, across), is_turned=road.is_vertical)
    if site.canvas.label_at(pose.x, pose.y) == Cover.ROAD:
        add_car(site, pose, is_parked=False)


def _split(site: Site, rect: Rect, target: float, gap: float = 0.0) -> list[Rect]:
    """Parts of about ``target`` metres, without roads between them."""
    if max(rect.width, rect.depth) < 1.5 * target:
        return [rect]
    is_vertical = rect.width > rect.depth
    origin, extent = (rect.x0, rect.width) if is_vertical else (rect.y0, rect.depth)
    halves = rect.cut(is_vertical, origin + site.between(0.4, 0.6) * extent, gap)
    return [part for half in halves for part in _split(site, half, target, gap)]


def _deal(site: Site, rects: Sequence[Rect], fillers: Sequence[Filler]) -> Lots:
    """Fillers in turn, from a random one on."""
    start = int(site.rng.integers(len(fillers)))
    return [(fillers[(start + i) % len(fillers)], rect) for i, rect in enumerate(rects)]


def _suburb(site: Site, block: Rect, streets: list[Road]) -> Lots:
    """Rows of houses with streets between them."""
    is_wide = block.width >= block.depth
    extent = block.depth if is_wide else block.width
    num = max(1, round(extent / site.between(58, 74)))
    width = site.between(5.5, 7.5)
    rows = []
    rest = block
    for index in range(1, num):
        at = (block.y0 if is_wide else block.x0) + extent * index / num
        start, stop = (block.x0, block.x1) if is_wide else (block.y0, block.y1)
        streets.append(Road(not is_wide, at, start - 6, stop + 6, width, is_main=False))
        row, rest = rest.cut(not is_wide, at, width + 3)
        rows.append(row)
    return [(lots_built.fill_houses, row) for row in [*rows, rest]]


def _town(site: Site, block: Rect, streets: list[Road]) -> Lots:
    return _deal(
        site,
        _split(site, block, 70, 4),
        (lots_built.fill_blocks, lots_built.fill_parking, lots_built.fill_blocks),
    )


def _industry(site: Site, block: Rect, streets: list[Road]) -> Lots:
    fillers = (
        lots_built.fill_tanks,
        lots_built.fill_halls,
        lots_built.fill_containers,
        lots_built.fill_halls,
    )
    return _deal(site, _split(site, block, 52, 4), (*fillers, lots_built.fill_parking))


def _sports(site: Site, block: Rect, streets: list[Road]) -> Lots:
    is_vertical = block.width > block.depth
    origin, extent = (block.x0, block.width) if is_vertical else (block.y0, block.depth)
    first, second = block.cut(is_vertical, origin + site.between(0.5, 0.6) * extent, 3)
    rest = _split(site, second, 44, 3)
    return [
        (lots_open.fill_track, first),
        *_deal(site, rest, (lots_open.fill_courts, lots_open.fill_bath, lots_built.fill_parking)),
    ]


def _farm(site: Site, block: Rect, streets: list[Road]) -> Lots:
    parts = _split(site, block, site.between(65, 110), 3)
    extra = (lots_open.fill_greenhouses, lots_open.fill_solar_park, lots_open.fill_orchard)
    special = extra[int(site.rng.integers(len(extra)))]
    ground: Lots = [(lots_open.fill_soil, block)] if site.chance(0.5) else []
    first = special if len(parts) > 1 else lots_open.fill_field
    return [*ground, (first, parts[0]), *((lots_open.fill_field, part) for part in parts[1:])]


def _growers(site: Site, block: Rect, streets: list[Road]) -> Lots:
    parts = _split(site, block, 75, 4)
    return _deal(
        site, parts, (lots_open.fill_greenhouses, lots_open.fill_field, lots_open.fill_solar_park)
    )


def _wood(site: Site, block: Rect, streets: list[Road]) -> Lots:
    return [(lots_open.fill_wood, block)]


def _park(site: Site, block: Rect, streets: list[Road]) -> Lots:
    return [(lots_open.fill_park, block)]


def _waste(site: Site, block: Rect, streets: list[Road]) -> Lots:
    parts = _split(site, block, 100)
    return _deal(
        site, parts, (lots_open.fill_bare, lots_open.fill_bare, lots_built.fill_containers)
    )


_USES: dict[str, Callable[[Site, Rect, list[Road]], Lots]] = {
    "industry": _industry,
    "sports": _sports,
    "suburb": _suburb,
    "farm": _farm,
    "growers": _growers,
    "town": _town,
    "park": _park,
    "waste": _waste,
    "wood": _wood,
}
_SHARES = {
    "industry": (0.2, 2.2),
    "sports": (0.25, 1.5),
    "suburb": (0.8, 3.6),
    "farm": (4.5, 0.3),
    "growers": (1.2, 0.7),
    "town": (0.0, 2.6),
    "park": (0.6, 1.0),
    "waste": (0.9, 0.8),
    "wood": (2.2, 0.3),
}
"""Weights of each use at density 0 and at density 1."""
