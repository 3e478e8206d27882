"""From a scene and a few examples to a map."""

from fewscape.scene.annotations import Annotations, DrawnOn, read_annotations
from fewscape.scene.blending import BlendingBand, Strip
from fewscape.scene.examples import Examples, Shot, cut_examples
from fewscape.scene.pair_examples import PixelExamples, read_pixel_examples
from fewscape.scene.pair_runner import PairMapOptions, map_pair
from fewscape.scene.pair_segmenter import PairScene, PairSegmenter, describe_pixels
from fewscape.scene.prediction import predict_strips
from fewscape.scene.runner import MapOptions, MapResult, map_scene
from fewscape.scene.segmenter import FewShotSegmenter, Segmenter
from fewscape.scene.semantic_segmenter import SemanticSegmenter, Views

__all__ = [
    "Annotations",
    "BlendingBand",
    "DrawnOn",
    "Examples",
    "FewShotSegmenter",
    "MapOptions",
    "MapResult",
    "PairMapOptions",
    "PairScene",
    "PairSegmenter",
    "PixelExamples",
    "Segmenter",
    "SemanticSegmenter",
    "Shot",
    "Strip",
    "Views",
    "cut_examples",
    "describe_pixels",
    "map_pair",
    "map_scene",
    "predict_strips",
    "read_annotations",
    "read_pixel_examples",
]
