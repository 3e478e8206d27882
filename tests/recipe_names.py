"""Names of the recipes of benchmarks."""

from tests.conftest import REPOSITORY

CONFIGS = REPOSITORY / "configs"


def stems(folder):
    """The names of a folder's recipes."""
    return sorted(path.stem for path in (CONFIGS / folder).glob("*.yaml"))


BACKBONES = stems("backbones")


def list_models(benchmark):
    """What can be named in ``--models``."""
    return sorted({*stems("networks"), *stems(benchmark)} - {"common"})
