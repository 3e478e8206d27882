"""Every input of the list ends in the sentence or the value that it should."""

import pytest

from tests.hostile.cases import load_cases

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: f"{case.kind}-{case.name}")
def test_case(case, tmp_path):
    verdict, text = case.run(tmp_path)
    expected = "right" if case.refused is None else "refused"
    wanted = case.refused or case.told or "a right map"
    assert verdict == expected, f"expected '{wanted}' of:\n{text}"
