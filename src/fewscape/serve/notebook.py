"""The page in a cell of a notebook."""

from __future__ import annotations

import atexit
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fewscape.core.optional import require
from fewscape.serve.server import PageServer, ServerOptions
from fewscape.serve.session import Session, SessionOptions, find_cache

FRAMES = "'self' http://localhost:* http://127.0.0.1:*"
"""Notebooks on this machine may show the page."""

HEIGHT = 720


class NotebookPage:
    """What ``annotate`` gives: shows the page where a notebook displays it.

    Args:
        session: not started.
        height: of the frame, in pixels of the screen.
    """

    def __init__(self, session: Session, height: int = HEIGHT) -> None:
        self.session = session
        self.height = height
        self._server = PageServer(
            session, ServerOptions(port=0, opens_browser=False, frames=FRAMES)
        )
        self._thread = self._server.start()
        atexit.register(self.close)

    @property
    def address(self) -> str:
        """Of the page, for a browser on this machine; holds the token."""
        return self._server.address

    @property
    def files(self) -> tuple[Path, ...]:
        """The GeoPackages of the examples, one for each scene."""
        return tuple(desk.drawing.path for desk in self.session.desks)

    def examples(self, scene: int = 0) -> Any:  # noqa: ANN401 - geopandas is optional
        """What is drawn now, as a GeoDataFrame.

        Args:
            scene: number of the scene, from 0.

        Raises:
            MissingPackageError: geopandas is not installed.
        """
        geopandas = require("geopandas", "serve")
        return geopandas.read_file(self.files[scene], layer="examples")

    def close(self) -> None:
        """End the server; what was drawn stays in the files."""
        self._server.stop()
        self._thread.join(10)

    def _repr_html_(self) -> str:
        address = html.escape(self.address)
        return (
            f'<iframe src="{address}" width="100%" height="{self.height}" '
            f'style="border:1px solid #8888;border-radius:8px" title="fewscape"></iframe>'
        )


def annotate(
    scenes: Path | str | Sequence[Path | str],
    examples: Path | str | None = None,
    height: int = HEIGHT,
) -> NotebookPage:
    """Draw on scenes in a notebook, or in a browser at the page's ``address``.

    Args:
        scenes: one raster or several.
        examples: to begin with, on the first scene.
        height: of the frame, in pixels of the screen.

    Raises:
        SceneError: a scene is missing, damaged or no raster.
        ExamplesError: examples that cannot be read.
        MissingPackageError: the extra ``serve`` is not installed.
    """
    from fewscape.zoo import load

    paths = [scenes] if isinstance(scenes, Path | str) else list(scenes)
    options = SessionOptions(
        examples=None if examples is None else Path(examples), cache=find_cache()
    )
    session = Session([Path(path) for path in paths], lambda: load(options.model).pixel, options)
    return NotebookPage(session, height)
