"""The addresses of the server; each calls one thing of the session.

Needs the extra ``serve``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeGuard

from fastapi import Body, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from fewscape.core import ExamplesError, FewscapeError, SceneError
from fewscape.raster import Scale
from fewscape.serve.drawing import StaleError
from fewscape.serve.jobs import find_result
from fewscape.serve.report import tell_python
from fewscape.serve.session import Session, encode_job
from fewscape.serve.whole_object import outline_object

PAGE = Path(__file__).parent / "page"
"""What ``web/`` is built into."""

REFUSALS = (
    (400, "It cannot be done."),
    (409, "An example was changed elsewhere in the meantime."),
    (410, "The scene is gone, or cannot be read."),
    (422, "What was sent is not what the address takes."),
)
"""Answers with a ``Refusal``, and what they mean."""

FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in ("application/octet-stream", "*/*")}}
}
"""Answers whose kind is that of the file."""

UPLOADS = (".gpkg", ".geojson", ".json")
"""Examples that the page can send."""


class Refusal(BaseModel):
    """Why something is not done, as ``FewscapeError`` tells it."""

    problem: str
    expected: str
    remedy: str


def make_app(session: Session) -> FastAPI:
    """The server of a session.

    Args:
        session: not started; the server starts and stops it.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        session.news.attach()
        session.start()
        yield
        session.news.finish()
        session.stop()

    app = FastAPI(
        title="fewscape annotate",
        lifespan=live,
        docs_url=None,
        redoc_url=None,
        responses={status: {"model": Refusal, "description": why} for status, why in REFUSALS},
    )

    @app.exception_handler(FewscapeError)
    def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, FewscapeError)
        status = 409 if isinstance(error, StaleError) else 400
        if isinstance(error, SceneError):
            status = 410
        told = {"problem": error.problem, "expected": error.expected, "remedy": error.remedy}
        return JSONResponse(told, status)

    @app.exception_handler(HTTPException)
    def refuse_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = {"problem": str(error.detail), "expected": "", "remedy": "load the page again"}
        return JSONResponse(told, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    def refuse_content(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        told = {
            "problem": f"what was sent cannot be read at '{place[:80]}'",
            "expected": str(first["msg"])[:200],
            "remedy": "load the page again",
        }
        return JSONResponse(told, 422)

    @app.get("/api/session")
    def describe() -> dict[str, Any]:
        """All scenes."""
        return {
            "scenes": [desk.describe() for desk in session.desks],
            "model": session.options.model,
            "ready": session.workers.is_ready,
        }

    @app.get("/api/scenes/{number}")
    def state(number: int) -> dict[str, Any]:
        """What is drawn on a scene, and what became of it."""
        desk = session.desk(number)
        desk.drawing.look()
        painted = [
            {
                "row": place[0],
                "col": place[1],
                "revision": one.revision,
                "step": one.step,
                "draft": one.is_draft,
            }
            for place, one in desk.all_painted().items()
        ]
        side = None if desk.store is None else desk.store.side
        job = encode_job(session.report_map(desk))
        return {**desk.encode_state(), "painted": painted, "side": side, "job": job}

    @app.post("/api/scenes/{number}/changes")
    def change(number: int, changes: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
        """Change what is drawn, in one step."""
        desk = session.desk(number)
        return desk.encode_state(desk.drawing.change(changes))

    @app.post("/api/scenes/{number}/undo")
    def undo(number: int) -> dict[str, Any]:
        """Take the last change back."""
        desk = session.desk(number)
        return desk.encode_state(desk.drawing.undo())

    @app.post("/api/scenes/{number}/redo")
    def redo(number: int) -> dict[str, Any]:
        """Carry it out again."""
        desk = session.desk(number)
        return desk.encode_state(desk.drawing.redo())

    @app.post("/api/scenes/{number}/import")
    async def take_over(number: int, request: Request, name: str) -> dict[str, Any]:
        """Add the examples of a file."""
        desk = session.desk(number)
        suffix = Path(name).suffix.lower()
        if suffix not in UPLOADS:
            raise ExamplesError(
                f"'{name[:60]}' cannot be taken over",
                f"expected a file with one of the endings {', '.join(UPLOADS)}",
                "start with --examples FILE for other kinds",
            )
        content = await request.body()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"examples{suffix}"
            path.write_bytes(content)
            snapshot = await run_in_threadpool(session.take_over, desk, path)
        return desk.encode_state(snapshot)

    @app.post("/api/scenes/{number}/view")
    def view(number: int, told: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """What the page shows now; its map is what is made next."""
        desk = session.desk(number)
        box, scale = told.get("box"), [told.get("resolution")]
        found = desk.look_at(
            box if _are_numbers(box) else [], scale[0] if _are_numbers(scale) else 0.0
        )
        session.workers.show(number, found)
        return {"places": found.places, "step": found.step}

    @app.get(
        "/api/scenes/{number}/map/{row}/{col}",
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {}}},
            204: {"description": "There is no map of this part yet."},
        },
    )
    def painted(number: int, row: int, col: int) -> Response:
        """The map of a core, see ``Painted.pack``."""
        found = session.desk(number).painted((row, col))
        if found is None:
            return Response(status_code=204)
        headers = {
            "cache-control": "no-store",
            "x-revision": str(found.revision),
            "x-channels": json.dumps(found.channels),
        }
        return Response(found.pack(), media_type="application/octet-stream", headers=headers)

    @app.get(
        "/api/scenes/{number}/tiles/{level}/{col}/{row}",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}},
    )
    def tile(
        number: int, level: int, col: int, row: int, bands: str = "1", scale: Scale = Scale.AUTO
    ) -> Response:
        """A picture of a part of a scene."""
        wanted = [int(band) for band in bands.split(",") if band.isdecimal() and len(band) < 6]
        content, kind = session.desk(number).tiles.render(level, col, row, wanted, scale)
        return Response(content, media_type=kind, headers={"cache-control": "max-age=3600"})

    @app.get("/api/scenes/{number}/places")
    def places(number: int) -> list[dict[str, float]]:
        """Where to draw next."""
        return session.workers.suggest(session.desk(number))

    @app.get("/api/scenes/{number}/why")
    def why(number: int, row: float, col: float) -> dict[str, Any]:
        """Which examples decided about a pixel."""
        return session.desk(number).explain(row, col)

    @app.get("/api/scenes/{number}/object")
    def whole_object(
        number: int,
        row: float,
        col: float,
        size: Annotated[float, Query(ge=1, le=200)] = 18,
        resolution: Annotated[float, Query(gt=0, le=1000)] = 1,
    ) -> dict[str, Any]:
        """The outline of what lies at a place, as GeoJSON in columns and rows."""
        return outline_object(session.desk(number).reader, row, col, size, resolution)

    @app.post("/api/scenes/{number}/job")
    def start(number: int, told: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Map the whole scene, or go on with it."""
        desk = session.desk(number)
        if told.get("resume"):
            return session.resume_map(desk).encode()
        threshold = [told.get("threshold")]
        return session.start_map(desk, threshold[0] if _are_numbers(threshold) else None).encode()

    @app.delete("/api/scenes/{number}/job")
    def cancel(number: int) -> dict[str, Any] | None:
        """Cancel the mapping of a scene."""
        desk = session.desk(number)
        session.cancel_map(desk)
        report = session.report_map(desk)
        return None if report is None else report.encode()

    @app.get("/api/scenes/{number}/recipe")
    def recipe(number: int) -> dict[str, str]:
        """The command line and the lines of Python that make the map."""
        request = session.make_request(session.desk(number))
        return {"command": request.command, "python": tell_python(request)}

    @app.get("/api/scenes/{number}/examples", response_class=FileResponse, responses=FILE)
    def examples(number: int) -> Response:
        """The GeoPackage with everything that is drawn."""
        path = session.desk(number).drawing.path
        return FileResponse(path, filename=path.name, media_type="application/geopackage+sqlite3")

    @app.get("/api/scenes/{number}/results/{name}", response_class=FileResponse, responses=FILE)
    def result(number: int, name: str) -> Response:
        """A file of the finished map."""
        path = find_result(session.map_folder(session.desk(number)), name)
        return FileResponse(path, filename=path.name)

    @app.get(
        "/api/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events() -> Response:
        """News, see ``Broadcaster``."""
        first = f"event: hello\ndata: {json.dumps({'ready': session.workers.is_ready})}\n\n"
        return StreamingResponse(session.news.stream(first), media_type="text/event-stream")

    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app


def _are_numbers(told: object) -> TypeGuard[list[float]]:
    return isinstance(told, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in told
    )
