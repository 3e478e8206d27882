"""Labelled images, episodes sampled from them, and manifests that fix episodes."""

from fewscape.datasets.aerial4 import (
    AERIAL4_DATASETS,
    AERIAL4_FOLDS,
    AERIAL4_LEAVE_OUT,
    open_aerial4,
)
from fewscape.datasets.area_crops import (
    AreaReader,
    AreaTiles,
    CropOptions,
    LabelledCrop,
    TrainingCrops,
)
from fewscape.datasets.areas import Area, choose_areas, image_stem, read_splits, separate_ground
from fewscape.datasets.augment import Augment
from fewscape.datasets.base import LabelledImages
from fewscape.datasets.crops import CropSource, DatasetCrops, FileCrops
from fewscape.datasets.episodes import (
    EpisodeReader,
    ManifestEpisodes,
    SampledEpisodes,
)
from fewscape.datasets.folder import (
    FolderDataset,
    read_colours,
    read_published_pairs,
    read_unscored,
)
from fewscape.datasets.folds import ClassFolds
from fewscape.datasets.manifest import ClassKey, Crop, EpisodeSpec, Manifest
from fewscape.datasets.sampler import EpisodeSampler
from fewscape.datasets.stretch import Stretch
from fewscape.datasets.subset import ImageSubset
from fewscape.datasets.values import measure_images, pick_evenly, pick_images
from fewscape.datasets.windows import ShareLimits, WindowIndex

__all__ = [
    "AERIAL4_DATASETS",
    "AERIAL4_FOLDS",
    "AERIAL4_LEAVE_OUT",
    "CLASS_FOLDS",
    "Area",
    "AreaReader",
    "AreaTiles",
    "Augment",
    "ClassFolds",
    "ClassKey",
    "Crop",
    "CropOptions",
    "CropSource",
    "DatasetCrops",
    "EpisodeReader",
    "EpisodeSampler",
    "EpisodeSpec",
    "FileCrops",
    "FolderDataset",
    "ImageSubset",
    "LabelledCrop",
    "LabelledImages",
    "Manifest",
    "ManifestEpisodes",
    "SampledEpisodes",
    "ShareLimits",
    "Stretch",
    "TrainingCrops",
    "WindowIndex",
    "choose_areas",
    "image_stem",
    "measure_images",
    "open_aerial4",
    "pick_evenly",
    "pick_images",
    "read_colours",
    "read_published_pairs",
    "read_splits",
    "read_unscored",
    "separate_ground",
]

CLASS_FOLDS = {"aerial4": AERIAL4_FOLDS}
"""Folds by benchmark."""
