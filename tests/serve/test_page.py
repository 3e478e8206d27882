"""The page in a real browser: Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
import shapely

from fewscape.raster import SceneReader
from fewscape.serve import PageServer, ServerOptions, Session, SessionOptions
from fewscape.zoo import load
from tests.serve.scenes import HEIGHT, WIDTH, write_scene

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZE = {"width": 1280, "height": 720}
PATIENCE = 300_000
"""Milliseconds; ends what hangs, however busy the machine."""

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Person:
    """Somebody before the page."""

    def __init__(self, page, address):
        self.page = page
        self.errors = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda told: told.type == "error" and self.errors.append(told.text))
        page.goto(address)
        page.wait_for_selector("#map canvas")
        page.wait_for_function("() => document.querySelector('#doing').textContent === ''")

    def place(self, col, row):
        """Where a pixel of the scene is on the screen."""
        box = self.page.locator("#map").bounding_box()
        scale = min((box["width"] - 32) / WIDTH, (box["height"] - 108) / HEIGHT)
        left = box["x"] + 16 + (box["width"] - 32 - WIDTH * scale) / 2
        top = box["y"] + 16 + (box["height"] - 108 - HEIGHT * scale) / 2
        return left + col * scale, top + row * scale

    def draw_box(self, left, top, right, bottom):
        """A polygon, corner by corner."""
        self.page.keyboard.press("p")
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        for corner in corners:
            self.page.mouse.click(*self.place(*corner), delay=20)
            self.page.wait_for_timeout(300)  # two clicks in a row are a double click
        self.page.mouse.click(*self.place(*corners[0]), delay=20)

    def brush(self, *points, key="b"):
        """A stroke."""
        self.page.keyboard.press(key)
        self.page.mouse.move(*self.place(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.place(*point), steps=6)
        self.page.mouse.up()

    def map_at(self, col, row):
        """The colour of the map's layer at a pixel of the scene, (red, green, blue, alpha)."""
        x, y = self.place(col, row)
        return self.page.evaluate(
            """([x, y]) => {
                const canvas = document.querySelector('canvas.layer-map');
                const box = canvas.getBoundingClientRect();
                const scale = canvas.width / box.width;
                const context = canvas.getContext('2d');
                const at = [(x - box.left) * scale, (y - box.top) * scale];
                return [...context.getImageData(at[0], at[1], 1, 1).data];
            }""",
            [x, y],
        )

    def wait_for_map(self, col, row, colour):
        """Until the map has a colour there; ``None`` for nothing."""

        def has_colour():
            found = self.map_at(col, row)
            if colour is None or found[3] == 0:
                return colour is None and found[3] == 0
            return max(abs(one - other) for one, other in zip(found, colour, strict=False)) < 3

        self.wait_until(has_colour)

    def wait_until(self, condition):
        """Wait while the page goes on working."""
        until = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < until, "it did not happen"
            self.page.wait_for_timeout(100)

    def see_examples(self, count):
        self.page.wait_for_function(
            "count => document.querySelectorAll('.example-row').length === count", arg=count
        )

    def see(self, selector, text):
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.innerText.includes(text)",
            arg=[selector, text],
        )

    def picture(self, name):
        """A screenshot for whoever looks at it: in ``FEWSCAPE_SCREENSHOTS``, if that is set."""
        folder = os.environ.get("FEWSCAPE_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(scope="module")
def model():
    return load("ensemble").pixel


@pytest.fixture
def serve(tmp_path, model):
    """Starts servers, and stops them."""
    started = []

    def start(*scenes, **options):
        paths = list(scenes) or [write_scene(tmp_path)]
        told = SessionOptions(cache=tmp_path / "cache", **options)
        session = Session(paths, lambda: model, told)
        server = PageServer(session, ServerOptions(port=0, opens_browser=False))
        thread = server.start()
        started.append((server, thread))
        return server, session

    yield start
    for server, thread in started:
        server.stop()
        thread.join(30)


@pytest.fixture
def visit(browser):
    """Opens pages."""
    opened = []

    def open_page(address, **options):
        context = browser.new_context(viewport=SIZE, accept_downloads=True, **options)
        opened.append(context)
        return Person(context.new_page(), address)

    yield open_page
    for context in opened:
        context.close()


def begin(person, name="oak"):
    person.page.fill("#start-name", name)
    person.page.click("#start button[type=submit]")
    person.see("#classes", name)


def colour_of(person, name):
    text = person.page.locator(f"input[aria-label='Colour of {name}']").input_value()
    return [int(text[place : place + 2], 16) for place in (1, 3, 5)]


def draw_two_classes(person):
    begin(person)
    person.draw_box(8, 20, 55, 90)
    person.see_examples(1)
    person.page.fill("#class-name", "elm")
    person.page.press("#class-name", "Enter")
    person.see("#classes", "elm")
    person.page.locator("#map").focus()
    person.brush((85, 40), (115, 60), (90, 120))
    person.see_examples(2)
    person.wait_for_map(250, 200, colour_of(person, "oak"))
    person.wait_for_map(310, 200, colour_of(person, "elm"))


def test_from_an_empty_page_to_an_exported_map(serve, visit):
    server, session = serve()
    person = visit(server.address)
    person.picture("empty")
    draw_two_classes(person)
    person.see("#saved", "All saved")
    assert len(session.desks[0].drawing.now.examples) == 2
    person.picture("two_classes")

    # The third kind of ground is neither: say so, and it is gone from the map.
    assert person.map_at(385, 150)[3]
    person.brush((150, 40), (200, 45), key="n")
    person.page.wait_for_selector("#instead button.answer")
    person.picture("instead")
    person.page.locator("#instead button.answer", has_text="none of these").click()
    person.wait_for_map(385, 150, None)
    person.page.keyboard.press("Control+z")
    person.see_examples(2)
    person.page.keyboard.press("Control+Shift+z")
    person.see_examples(3)
    person.wait_for_map(385, 150, None)

    person.page.keyboard.press("d")
    person.page.wait_for_selector("#next-list button")
    person.picture("next_places")
    person.page.keyboard.press("w")
    person.page.mouse.click(*person.place(240, 200))
    person.see("#why-card", "oak")
    person.picture("why")
    person.page.keyboard.press("Escape")

    person.page.click("#export")
    person.page.click("#start-job")
    person.page.locator("#export-dialog button", has_text="Cancel").click()
    person.see("#export-dialog", "A map was begun")
    person.picture("cancelled")
    person.page.locator("#export-dialog button", has_text="Go on").click()
    person.see("#export-dialog", "The map is finished")
    person.picture("finished")
    with person.page.expect_download() as download:
        person.page.locator(".files a", has_text="scene_classes.tif").click()
    with SceneReader(download.value.path(), None) as exported:
        assert (exported.height, exported.width) == (HEIGHT, WIDTH)
    person.page.locator("#export-dialog summary").click()
    person.see(".recipe", "fewscape map")

    person.page.reload()
    person.see_examples(3)
    person.wait_for_map(250, 200, colour_of(person, "oak"))
    person.see("#export", "Map and export")
    assert person.errors == []


def test_two_tabs_see_each_other_and_lose_nothing(serve, visit):
    server, session = serve()
    one, other = visit(server.address), visit(server.address)
    begin(one)
    other.see("#classes", "oak")
    one.draw_box(8, 20, 55, 90)
    other.see_examples(1)
    other.draw_box(8, 150, 55, 200)
    one.see_examples(2)
    assert len(session.desks[0].drawing.now.examples) == 2
    other.page.keyboard.press("v")
    other.page.wait_for_timeout(400)  # else it is a double click with the polygon's last one
    other.page.mouse.click(*other.place(30, 60))
    other.page.wait_for_selector(".example-row.selected")
    other.page.keyboard.press("Delete")
    one.see_examples(1)
    assert one.errors == other.errors == []


def test_one_click_takes_what_hangs_together(serve, visit):
    server, session = serve()
    person = visit(server.address)
    begin(person)
    person.page.keyboard.press("r")
    person.page.mouse.click(*person.place(105, 150))
    person.see_examples(1)
    (example,) = session.desks[0].drawing.now.examples.values()
    assert example.tool == "object"
    assert example.geometry.covers(shapely.Point(105, 150))
    assert example.geometry.area < WIDTH * HEIGHT / 2
    assert person.errors == []


def test_examples_are_edited_set_aside_recoloured_and_renamed(serve, visit):
    server, session = serve()
    person = visit(server.address)
    draw_two_classes(person)
    drawing = session.desks[0].drawing
    first = next(iter(drawing.now.examples))
    person.page.keyboard.press("v")
    person.page.mouse.click(*person.place(30, 60))
    person.page.wait_for_selector(".example-row.selected")
    before = drawing.now.examples[first].geometry.area
    person.page.keyboard.press("e")
    person.page.mouse.move(*person.place(55, 90))
    person.page.mouse.down()
    person.page.mouse.move(*person.place(60, 140), steps=5)
    person.page.mouse.up()
    person.page.wait_for_function(
        "() => document.querySelector('#saved').textContent === 'All saved'"
    )
    wait_until(lambda: drawing.now.examples[first].geometry.area > before + 500)
    person.page.keyboard.press("h")
    person.page.wait_for_selector(".example-row.aside")
    wait_until(lambda: drawing.now.examples[first].hidden)
    person.page.keyboard.press("h")
    person.page.hover(".class-row")
    person.page.click("button[aria-label='Rename oak']")
    person.page.fill("input.rename", "beech")
    person.page.keyboard.press("Enter")
    wait_until(lambda: drawing.now.examples[first].class_name == "beech")
    person.page.evaluate(
        """() => {
            const input = document.querySelector("input[aria-label='Colour of beech']");
            input.value = '#ff00ff';
            input.dispatchEvent(new Event('change'));
        }"""
    )
    person.wait_for_map(250, 200, [255, 0, 255])
    assert person.errors == []


def test_the_map_is_looked_at_in_many_ways(serve, visit):
    server, _ = serve()
    person = visit(server.address)
    draw_two_classes(person)
    canvas = person.page.locator("canvas.layer-map")
    person.page.keyboard.down("f")
    person.wait_until(lambda: canvas.evaluate("one => one.style.visibility") == "hidden")
    person.page.keyboard.up("f")
    person.wait_until(lambda: canvas.evaluate("one => one.style.visibility") == "visible")
    person.page.keyboard.press("s")
    person.page.wait_for_selector("#swipe")
    person.wait_for_map(30, 250, None)  # left of the border is the image
    person.wait_for_map(380, 100, person.map_at(380, 100)[:3])
    person.picture("swipe")
    person.page.keyboard.press("s")
    person.page.locator("[data-mode=probability]").click()
    person.page.keyboard.press("1")
    person.wait_until(lambda: person.map_at(250, 200)[3] > 180 > 60 > person.map_at(310, 200)[3])
    person.picture("probability")
    person.page.click("#bands")
    person.page.locator("#bands-card select").first.select_option("3")
    with person.page.expect_response(
        lambda answer: "bands=3,3,3" not in answer.url and "/tiles/" in answer.url
    ):
        person.page.locator("#bands-card select").nth(1).select_option("1")
    person.page.keyboard.press("Escape")
    person.page.keyboard.press("?")
    person.page.wait_for_selector("#help-dialog[open]")
    person.picture("help")
    assert person.errors == []


def test_what_is_drawn_while_the_server_is_silent_is_sent_later(serve, visit):
    server, session = serve()
    person = visit(server.address)
    begin(person)
    person.page.context.set_offline(True)
    person.draw_box(8, 20, 55, 90)
    person.see("#banner", "The server does not answer")
    person.picture("offline")
    assert not session.desks[0].drawing.now.examples
    person.page.context.set_offline(False)
    wait_until(lambda: len(session.desks[0].drawing.now.examples) == 1)
    person.page.wait_for_selector("#banner", state="hidden")


def test_a_scene_that_vanishes_is_told(serve, visit, tmp_path):
    server, session = serve()
    person = visit(server.address)
    begin(person)
    desk = session.desks[0]
    desk.path.rename(tmp_path / "elsewhere.tif")
    desk.tiles.close()
    person.page.click("#bands")
    person.page.locator("#bands-card select").first.select_option("2")
    person.see("#notices", "does not exist")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in web/")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(serve, visit, scheme):
    server, _ = serve()
    person = visit(server.address, color_scheme=scheme, bypass_csp=True)
    check_access(person, "empty")
    draw_two_classes(person)
    person.page.keyboard.press("v")
    person.page.mouse.click(*person.place(30, 60))
    person.picture(f"drawn_{scheme}")
    check_access(person, "drawn")
    person.page.click("#export")
    check_access(person, "export")
    person.page.keyboard.press("Escape")
    person.page.keyboard.press("?")
    check_access(person, "help")


def check_access(person, state):
    person.page.add_script_tag(path=str(AXE))
    found = person.page.evaluate("async () => (await axe.run()).violations")
    grave = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not grave, f"{state}:\n" + "\n".join(grave)


def wait_until(condition):
    until = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
