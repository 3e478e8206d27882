"""The server as a page and as a stranger see it."""

import json
import socket

import pytest
from starlette.requests import ClientDisconnect

from fewscape.core import ConfigError, ExamplesError
from fewscape.models import MaximumLikelihood
from fewscape.serve.guard import MOST_BYTES, Guard
from fewscape.serve.server import PageServer, ServerOptions, bind, open_browser
from fewscape.serve.session import Session, SessionOptions
from tests.serve.scenes import TWO_CLASSES, box, put, write_scene

HOST, TOKEN = "127.0.0.1:8722", "secret"


@pytest.fixture
def session(tmp_path):
    made = Session([write_scene(tmp_path)], MaximumLikelihood)
    made.workers.start = lambda load: load()  # no threads: each test says what is done
    yield made
    for desk in made.desks:
        desk.close()


@pytest.fixture
def client(session):
    from fastapi.testclient import TestClient

    from fewscape.serve.app import make_app

    app = Guard(make_app(session), TOKEN, [HOST])
    with TestClient(app, base_url=f"http://{HOST}") as made:
        yield made


def ask(client, path="api/session", method="GET", **told):
    return client.request(method, f"/{TOKEN}/{path}", **told)


def test_the_page_and_its_parts_are_served(client):
    page = ask(client, "")
    assert page.status_code == 200
    assert "<title>fewscape</title>" in page.text
    for name in ("page.js", "style.css", "licences.txt"):
        assert ask(client, name).status_code == 200
    assert "OpenLayers" in ask(client, "licences.txt").text


def test_nothing_from_elsewhere_is_loaded(client):
    policy = ask(client, "").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for name in ("", "page.js", "style.css"):
        text = ask(client, name).text
        assert not [word for word in ("cdn.", "googleapis", "unpkg") if word in text]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/session", {}, 403),
        ("/wrong/api/session", {}, 403),
        ("/", {}, 403),
        (f"/{TOKEN}/api/session", {"host": "evil.example:8722"}, 421),
        (f"/{TOKEN}/api/session", {"host": "127.0.0.1:1"}, 421),
        (f"/{TOKEN}/api/session", {"origin": "http://evil.example"}, 403),
        (f"/{TOKEN}/api/session", {"origin": "http://127.0.0.1:1"}, 403),
        (f"/{TOKEN}/api/session", {"origin": "null"}, 403),
        (f"/{TOKEN}/api/session", {"origin": f"http://{HOST}"}, 200),
        (f"/{TOKEN}/../pyproject.toml", {}, 403),
        (f"/{TOKEN}/%2e%2e/%2e%2e/app.py", {}, 404),
        (f"/{TOKEN}/..%2f..%2fapp.py", {}, 404),
        (f"/{TOKEN}/api/scenes/0/results/..%2f..%2fscene.tif", {}, 404),
        (f"/{TOKEN}/api/scenes/0/results/job.json", {}, 400),
    ],
)
def test_only_our_own_page_gets_an_answer(client, path, headers, status):
    assert client.get(path, headers=headers).status_code == status


def test_another_page_cannot_draw(client, session):
    headers = {"sec-fetch-site": "cross-site"}
    answer = ask(client, "api/scenes/0/changes", "POST", json=TWO_CLASSES, headers=headers)
    assert answer.status_code == 403
    assert not session.desks[0].drawing.now.examples


def test_a_huge_body_is_refused_whatever_its_head_says(client):
    whole = b" " * (MOST_BYTES + 1)
    assert ask(client, "api/scenes/0/changes", "POST", content=whole).status_code == 413
    pieces = (b" " * 100_000 for _ in range(60))
    with pytest.raises(ClientDisconnect):  # the connection ends
        ask(client, "api/scenes/0/import?name=x.json", "POST", content=pieces)


def test_a_scene_is_drawn_on_and_described(client):
    about = ask(client).json()["scenes"][0]
    assert (about["width"], about["height"], about["last_level"]) == (420, 300, 1)
    state = ask(client, "api/scenes/0/changes", "POST", json=TWO_CLASSES).json()
    assert [one["name"] for one in state["classes"]] == ["a", "b"]
    assert state["can_undo"]
    assert ask(client, "api/scenes/0/undo", "POST").json()["examples"] == []
    assert len(ask(client, "api/scenes/0/redo", "POST").json()["examples"]) == 4
    assert ask(client, "api/scenes/0").json()["revision"] == 4


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "told"),
    [
        ("api/scenes/7", "GET", None, 400, "there is no scene 7"),
        ("api/scenes/0/changes", "POST", {"do": "put"}, 422, None),
        ("api/scenes/0/changes", "POST", [{"do": "jump"}], 400, "'jump' is no change"),
        ("api/scenes/0/view", "POST", {"box": "x"}, 400, "that is none"),
        ("api/scenes/0/view", "POST", {"box": [0, 0, 1, 1], "resolution": "1"}, 400, "none"),
        ("api/scenes/0/job", "POST", {}, 400, "nothing was drawn yet"),
        ("api/scenes/0/job", "POST", {"resume": True}, 400, "no map was begun"),
        ("api/scenes/0/why?row=1&col=1", "GET", None, 400, "there is no map yet"),
        ("api/scenes/0/tiles/9/0/0", "GET", None, 400, "there is no level 9"),
        ("api/scenes/0/tiles/1/9/0", "GET", None, 400, "there is no tile 1/9/0"),
        ("api/scenes/0/tiles/1/0/0?bands=1,2", "GET", None, 400, "2 bands were chosen"),
        ("api/scenes/0/tiles/1/0/0?bands=9", "GET", None, 410, "has 3 bands"),
        ("api/scenes/0/results/x.tif", "GET", None, 400, "there is no file 'x.tif'"),
        ("api/scenes/0/import?name=x.exe", "POST", {}, 400, "cannot be taken over"),
        ("api/scenes/0/import?name=x.geojson", "POST", {}, 400, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(client, path, method, body, status, told):
    answer = ask(client, path, method, json=body)
    assert answer.status_code == status
    if told:
        assert told in answer.json()["problem"]


def test_stale_changes_are_a_conflict(client):
    ask(client, "api/scenes/0/changes", "POST", json=TWO_CLASSES)
    change = {**put("a1", "a", box(0, 0, 30, 30)), "based_on": 0}
    answer = ask(client, "api/scenes/0/changes", "POST", json=[change])
    assert answer.status_code == 409


def test_the_map_of_the_view_is_sent(client, session, monkeypatch):
    monkeypatch.setattr("fewscape.serve.workers.REST", 0.0)
    ask(client, "api/scenes/0/changes", "POST", json=TWO_CLASSES)
    view = {"box": [0, 0, 420, 300], "resolution": 1}
    assert ask(client, "api/scenes/0/view", "POST", json=view).json() == {
        "places": [[0, 0]],
        "step": 1,
    }
    assert ask(client, "api/scenes/0/map/0/0").status_code == 204
    while session.workers.encode_one() or session.workers.paint_one():
        pass
    answer = ask(client, "api/scenes/0/map/0/0")
    assert json.loads(answer.headers["x-channels"]) == ["a", "b"]
    assert len(answer.content) == 16 + 2 * 420 * 420
    assert ask(client, "api/scenes/0").json()["painted"] == [
        {"row": 0, "col": 0, "revision": 2, "step": 1, "draft": False}
    ]
    assert ask(client, "api/scenes/0/places").json()


def test_examples_of_a_file_are_added_once(client, tmp_path):
    drawn = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "EPSG:32631"}},
        "features": [
            {
                "type": "Feature",
                "properties": {"class": "lake", "colour": "#0000ff"},
                "geometry": box(500_010, 4_999_900, 500_040, 4_999_990),
            }
        ],
    }
    for _ in range(2):
        answer = ask(client, "api/scenes/0/import?name=x.geojson", "POST", json=drawn).json()
        assert [one["properties"]["class"] for one in answer["examples"]] == ["lake"]
    assert answer["classes"] == [{"name": "lake", "colour": "#0000ff"}]


def test_annotations_of_other_tools_are_taken_over(client):
    """Of the images in a COCO file, the one that is called as the scene is."""
    coco = {
        "images": [{"id": 1, "file_name": "other.jpg"}, {"id": 2, "file_name": "scene.jpg"}],
        "categories": [{"id": 5, "name": "lake"}],
        "annotations": [
            {"image_id": 1, "category_id": 5, "segmentation": [[0, 0, 9, 0, 9, 9]]},
            {"image_id": 2, "category_id": 5, "segmentation": [[10, 20, 60, 20, 60, 50]]},
        ],
    }
    answer = ask(client, "api/scenes/0/import?name=coco.json", "POST", json=coco).json()
    (lake,) = answer["examples"]
    corners = {tuple(corner) for corner in lake["geometry"]["coordinates"][0]}
    assert corners == {(10, 20), (60, 20), (60, 50)}
    labelme = {"shapes": [{"label": "reed", "points": [[100, 5], [140, 5], [140, 30]]}]}
    answer = ask(client, "api/scenes/0/import?name=x.json", "POST", json=labelme).json()
    assert [one["properties"]["class"] for one in answer["examples"]] == ["lake", "reed"]


def test_pages_are_told_what_others_draw(session):
    import asyncio

    async def listen():
        session.news.attach()
        stream = session.news.stream()
        await anext(stream)  # how soon to try again
        session.desks[0].drawing.change(TWO_CLASSES)
        return await anext(stream)

    told = asyncio.run(listen())
    kind, data = told.strip().splitlines()
    assert kind == "event: drawn"
    assert json.loads(data.removeprefix("data: "))["revision"] == 2


def test_sessions_are_named_after_scenes(tmp_path):
    scenes = [write_scene(tmp_path, name) for name in ("x.tif", "x.png", "y.tif")]
    session = Session(scenes, MaximumLikelihood)
    assert [desk.drawing.path.name for desk in session.desks] == [
        "x.tif.examples.gpkg",
        "x.png.examples.gpkg",
        "y.examples.gpkg",
    ]


def test_a_session_needs_each_scene_once(tmp_path):
    scene = write_scene(tmp_path)
    with pytest.raises(ConfigError, match="a scene was given twice"):
        Session([scene, scene], MaximumLikelihood)
    with pytest.raises(ConfigError, match="no scene was given"):
        Session([], MaximumLikelihood)
    with pytest.raises(ConfigError, match="--session was given with 2 scenes"):
        Session(
            [scene, write_scene(tmp_path, "y.tif")],
            MaximumLikelihood,
            SessionOptions(session=tmp_path / "s.gpkg"),
        )
    with pytest.raises(ExamplesError, match="do not exist"):
        Session([scene], MaximumLikelihood, SessionOptions(examples=tmp_path / "no.geojson"))


@pytest.mark.enable_socket
def test_a_port_in_use_is_told_or_passed_over(session):
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"at 127.0.0.1:{port}: Address already in use"):
            PageServer(session, ServerOptions(port=port))
    with bind("127.0.0.1", None) as one, bind("127.0.0.1", None) as other:
        assert one.getsockname() != other.getsockname()
    with pytest.raises(ConfigError, match=r"cannot be served at 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


@pytest.mark.enable_socket
def test_the_address_holds_a_token_by_chance(session):
    one, other = (PageServer(session, ServerOptions(port=0)) for _ in range(2))
    assert one.token != other.token
    assert one.address == f"http://127.0.0.1:{one.port}/{one.token}/"
    assert len(one.token) >= 20
    assert one._socket.family is socket.AF_INET


def test_without_a_browser_nothing_breaks(monkeypatch):
    import webbrowser

    def fail(address):
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", fail)
    assert not open_browser("http://127.0.0.1/")


def test_the_page_opens_also_when_a_scene_is_gone(client, session, tmp_path):
    """What is drawn can still be seen, downloaded and undone."""
    ask(client, "api/scenes/0/changes", "POST", json=TWO_CLASSES)
    before = ask(client).json()
    session.desks[0].path.rename(tmp_path / "elsewhere.tif")
    assert ask(client).json() == before
    assert len(ask(client, "api/scenes/0").json()["examples"]) == 4
    gone = ask(client, "api/scenes/0/tiles/0/0/0")
    assert gone.status_code == 410
    assert "does not exist" in gone.json()["problem"]
