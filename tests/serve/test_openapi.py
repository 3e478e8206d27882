"""Every address of the server, asked as its own description allows, and as it does not."""

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from fewscape.models import MaximumLikelihood
from fewscape.serve.app import make_app
from fewscape.serve.session import Session
from tests.serve.scenes import TWO_CLASSES, write_scene

EXAMPLES = 15
"""Requests to each address."""


@pytest.fixture
def described(tmp_path):
    """The description of a server with a scene on which something is drawn."""
    session = Session([write_scene(tmp_path)], MaximumLikelihood)
    session.workers.start = lambda load: load()  # no threads
    session.desks[0].drawing.change(TWO_CLASSES)
    app = make_app(session)
    session.start()
    desk = session.desks[0]
    session.workers.show(0, desk.look_at([0, 0, 100, 100], 1.0))
    while session.workers.encode_one() or session.workers.paint_one():
        pass
    # The news have no end.
    yield schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path="/api/events")
    session.stop()


def make_probe(operation, mode):
    """Asks one address again and again, and judges the answers."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
    def ask(case):
        if mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters["number"] = 0  # the only scene there is
        # What a description cannot say, such as that a class has a name, may be refused.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    return ask


@pytest.mark.slow
def test_every_answer_is_one_that_is_described(described):
    found = [operation.ok() for operation in described.get_all_operations()]
    assert len(found) > 15
    for operation in found:
        has_choice = operation.path_parameters or operation.query or operation.body
        for mode in GenerationMode if has_choice else [GenerationMode.POSITIVE]:
            make_probe(operation, mode)()
