"""Contract tests of models, for third-party models too.

::

    import pytest
    from fewscape.testing import FewShotContract
    from mypackage.network import MyNetwork

    class TestMyNetwork(FewShotContract):
        @pytest.fixture(scope="class")
        def model(self):
            return MyNetwork().eval()

Set the name of a test to None in the class to skip it.
"""

from fewscape.core import require

pytest = require("pytest", "dev")
for _name in ("few_shot", "pixel", "semantic"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")

from fewscape.testing.few_shot import FewShotContract, make_episode  # noqa: E402 (rewritten first)
from fewscape.testing.pixel import PixelContract  # noqa: E402
from fewscape.testing.semantic import SemanticContract  # noqa: E402

__all__ = ["FewShotContract", "PixelContract", "SemanticContract", "make_episode"]
