"""Names of the recipes of benchmarks."""

from fewscape.core import packaged_folder

CONFIGS = packaged_folder("recipes")


def stems(folder):
    """The names of a folder's recipes."""
    return sorted(path.stem for path in (CONFIGS / folder).glob("*.yaml"))


BACKBONES = stems("backbones")


def list_models(benchmark):
    """What can be named in ``--models``."""
    return sorted({*stems("networks"), *stems(benchmark)} - {"common"})
