"""Every address of the server, asked as its own description allows, and as it does not."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from fewscape.models import MaximumLikelihood
from fewscape.serve.app import make_app
from fewscape.serve.session import Session
from tests.serve.scenes import TWO_CLASSES, write_scene

EXAMPLES = 25
"""Requests to each address."""


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The description of a server with a scene on which something is drawn."""
    session = Session([write_scene(tmp_path_factory.mktemp("openapi"))], MaximumLikelihood)
    session.workers.start = lambda load: load()  # no threads
    session.desks[0].drawing.change(TWO_CLASSES)
    app = make_app(session)
    session.start()
    desk = session.desks[0]
    session.workers.show(0, desk.look_at([0, 0, 100, 100], 1.0))
    while session.workers.encode_one() or session.workers.paint_one():
        pass
    session.start_map = session.resume_map = None  # a process of its own; see test_jobs.py
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    desk.close()


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_every_answer_is_one_that_is_described(case):
    case.call_and_validate()
