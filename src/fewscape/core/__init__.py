"""Concepts that every package shares: episodes, supports, outputs, errors, shapes, devices.

Letters in shapes: B batch, C channels, H and W rows and columns, N = H * W, K classes,
M regions, S shots, L pyramid levels.
"""

from fewscape.core.closing import Closing
from fewscape.core.episode import IGNORE, Episode
from fewscape.core.errors import (
    ConfigError,
    DatasetError,
    ExamplesError,
    FewscapeError,
    ManifestError,
    MissingPackageError,
    ModelFolderError,
    OutputError,
    ResultsError,
    SceneError,
    ShapeError,
    TrainingError,
    WeightsError,
    suggest,
)
from fewscape.core.features import Features, Output, Support
from fewscape.core.optional import require
from fewscape.core.packaged import find_packaged, list_packaged, packaged_folder
from fewscape.core.plain_json import parse_json, read_json
from fewscape.core.policy import Policy
from fewscape.core.shapes import check_shape
from fewscape.core.whole_files import (
    check_folder,
    hash_file,
    settle_folder,
    write_bytes,
    write_folder,
    write_whole,
)
from fewscape.core.window import Window

__all__ = [
    "IGNORE",
    "Closing",
    "ConfigError",
    "DatasetError",
    "Episode",
    "ExamplesError",
    "Features",
    "FewscapeError",
    "ManifestError",
    "MissingPackageError",
    "ModelFolderError",
    "Output",
    "OutputError",
    "Policy",
    "ResultsError",
    "SceneError",
    "ShapeError",
    "Support",
    "TrainingError",
    "WeightsError",
    "Window",
    "check_folder",
    "check_shape",
    "find_packaged",
    "hash_file",
    "list_packaged",
    "packaged_folder",
    "parse_json",
    "read_json",
    "require",
    "settle_folder",
    "suggest",
    "write_bytes",
    "write_folder",
    "write_whole",
]
