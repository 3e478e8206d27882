"""From a scene and a few examples to a map."""

from fewscape.scene.annotation_files import read_annotations
from fewscape.scene.annotations import Annotations
from fewscape.scene.assembly import MapResult, assemble
from fewscape.scene.blending import BlendingBand, Strip
from fewscape.scene.drawn_cells import SceneCells, read_drawn_cells, sample_ground
from fewscape.scene.drawn_scene import DrawnOn
from fewscape.scene.estimate import Estimate, estimate_map
from fewscape.scene.examples import Examples, Shot, choose_classes, cut_examples
from fewscape.scene.finishing import OutputOptions
from fewscape.scene.journal import Journal
from fewscape.scene.mapper import MapOptions, Mapper
from fewscape.scene.memory import MemoryPlan
from fewscape.scene.pair_examples import PixelExamples, read_pixel_examples
from fewscape.scene.pair_mapper import PairMapper
from fewscape.scene.pair_memory import PairMemory
from fewscape.scene.pair_segmenter import PairScene, PairSegmenter, describe_pixels
from fewscape.scene.pixel_segmenter import PixelSegmenter
from fewscape.scene.plan import LayerPlan, MapPlan
from fewscape.scene.prediction import plan_scene, predict_strips
from fewscape.scene.ray_engine import RayOptions, map_with_ray
from fewscape.scene.runner import make_map, make_shard, map_scene
from fewscape.scene.scene_mapper import SceneMapper
from fewscape.scene.segmenter import FewShotSegmenter, Segmenter
from fewscape.scene.semantic_segmenter import SemanticSegmenter, Views
from fewscape.scene.support_store import SupportStore, support_folder

__all__ = [
    "Annotations",
    "BlendingBand",
    "DrawnOn",
    "Estimate",
    "Examples",
    "FewShotSegmenter",
    "Journal",
    "LayerPlan",
    "MapOptions",
    "MapPlan",
    "MapResult",
    "Mapper",
    "MemoryPlan",
    "OutputOptions",
    "PairMapper",
    "PairMemory",
    "PairScene",
    "PairSegmenter",
    "PixelExamples",
    "PixelSegmenter",
    "RayOptions",
    "SceneCells",
    "SceneMapper",
    "Segmenter",
    "SemanticSegmenter",
    "Shot",
    "Strip",
    "SupportStore",
    "Views",
    "assemble",
    "choose_classes",
    "cut_examples",
    "describe_pixels",
    "estimate_map",
    "make_map",
    "make_shard",
    "map_scene",
    "map_with_ray",
    "plan_scene",
    "predict_strips",
    "read_annotations",
    "read_drawn_cells",
    "read_pixel_examples",
    "sample_ground",
    "support_folder",
]
