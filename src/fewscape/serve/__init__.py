"""The page on which people draw examples, see the map follow, correct it and export it."""

from fewscape.serve.notebook import NotebookPage, annotate
from fewscape.serve.server import PageServer, ServerOptions
from fewscape.serve.session import Session, SessionOptions

__all__ = [
    "NotebookPage",
    "PageServer",
    "ServerOptions",
    "Session",
    "SessionOptions",
    "annotate",
]
