"""Generate a labelled synthetic scene from a ``SceneSpec``."""

from __future__ import annotations

from fewscape.synthetic.canvas import Canvas
from fewscape.synthetic.ground import add_highway, add_railway, add_river, lay_land
from fewscape.synthetic.layout import Frame, StreetPlan
from fewscape.synthetic.light import Weather, render
from fewscape.synthetic.palette import Palette
from fewscape.synthetic.plants import Grove
from fewscape.synthetic.site import Site
from fewscape.synthetic.spec import SceneSpec, SyntheticScene
from fewscape.synthetic.textures import Noise, stream
from fewscape.synthetic.zones import build_zones

_CRS = "EPSG:32632"
_CORNER = (500_000.0, 5_300_000.0)
"""Easting and northing of the first scene; each seed has its own place."""


def make_scene(spec: SceneSpec) -> SyntheticScene:
    """Generate a scene; equal settings give equal bytes.

    Examples:
        >>> scene = make_scene(SceneSpec(size=(64, 96), seed=7))
        >>> scene.image.shape, scene.labels.shape
        ((4, 64, 96), (64, 96))
    """
    from affine import Affine

    weather = Weather.draw(stream(spec.seed, "weather"), spec.haze)
    site = _survey(spec, weather)
    lay_land(site.canvas, site.palette)
    _add_courses(site)
    _build(site)
    east = _CORNER[0] + 3000.0 * (spec.seed % 100)
    north = _CORNER[1] - 3000.0 * (spec.seed // 100 % 1000)
    return SyntheticScene(
        image=render(site.canvas, weather, stream(spec.seed, "sensor")),
        labels=site.canvas.labels,
        transform=Affine(spec.resolution, 0, east, 0, -spec.resolution, north),
        crs=_CRS,
        resolution=spec.resolution,
    )


def _survey(spec: SceneSpec, weather: Weather) -> Site:
    """The empty site, with its colours, plants and street plan grid."""
    rng = stream(spec.seed, "style")
    drawn = float(rng.random())
    season = drawn if spec.season is None else spec.season
    palette = Palette.draw(rng, season)
    noise = Noise.draw(stream(spec.seed, "noise"), spec.size, spec.resolution)
    slope, bend = float(rng.uniform(-0.9, 0.9)), float(rng.uniform(6, 34))
    return Site(
        canvas=Canvas(spec.size, spec.resolution, noise),
        frame=Frame(spec.size, spec.resolution, stream(spec.seed, "warp"), slope, bend),
        palette=palette,
        grove=Grove(stream(spec.seed, "crowns"), palette, spec.resolution),
        rng=stream(spec.seed, "site"),
        sun=weather.sun,
        density=spec.density,
    )


def _add_courses(site: Site) -> None:
    """Rivers, highways and railways, where the scene is large enough to hold them."""
    extent = min(site.canvas.size) * site.canvas.resolution
    if extent > 90 and site.chance(0.8):
        add_river(site)
    if extent > 120 and site.chance(0.6):
        add_railway(site)
    if extent > 250 and site.chance(0.35):
        add_highway(site)


def _build(site: Site) -> None:
    extent = min(site.canvas.size) * site.canvas.resolution
    block = min(max(extent / 4, 85), site.between(140, 185))
    sidewalk = site.between(1.5, 2.6)
    plan = StreetPlan()
    plan.divide(site.rng, site.frame.bounds, block, sidewalk)
    build_zones(site, plan, sidewalk)
