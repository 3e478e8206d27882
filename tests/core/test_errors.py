import pickle

import pytest

from fewscape import core
from fewscape.core import ConfigError, FewscapeError, suggest

KINDS = [kind for name in core.__all__ if name.endswith("Error") for kind in [getattr(core, name)]]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (("height 500",), "height 500"),
        (("height 500", "a multiple of 32", "pad it"), "height 500; a multiple of 32; pad it"),
        (("height 500", "", "pad it"), "height 500; pad it"),
    ],
)
def test_the_message_is_one_sentence_of_the_given_parts(parts, sentence):
    error = FewscapeError(*parts)
    assert str(error) == sentence
    assert (error.problem, error.expected, error.remedy) == (*parts, "", "")[:3]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_one_of_ours_and_a_value_error(kind):
    assert issubclass(kind, FewscapeError)
    with pytest.raises(ValueError, match=r"^problem; expected; remedy$"):
        raise kind("problem", "expected", "remedy")


def test_errors_come_back_from_worker_processes():
    error = pickle.loads(pickle.dumps(ConfigError("problem", "expected", "remedy")))
    assert (error.problem, error.expected, error.remedy) == ("problem", "expected", "remedy")
    assert str(error) == "problem; expected; remedy"


def test_suggest_names_the_nearest_then_all():
    assert suggest("mcgl", ["prototype", "mgcl"]) == "did you mean 'mgcl'? Known: mgcl, prototype"
    assert suggest("zzz", ["prototype", "mgcl"]) == "Known: mgcl, prototype"
    assert suggest("mgcl", []) == "Known: "
