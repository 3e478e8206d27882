"""From a scene and a few examples to a map."""

from fewscape.mapping.engine.pixel_segmenter import PixelSegmenter
from fewscape.mapping.engine.segmenter import FewShotSegmenter, Segmenter
from fewscape.mapping.engine.semantic_segmenter import SemanticSegmenter, Views
from fewscape.mapping.engine.support_store import SupportStore, support_folder
from fewscape.mapping.estimate import Estimate, estimate_map
from fewscape.mapping.examples.annotation_files import read_annotations
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.crops import Examples, Shot, choose_classes, cut_examples
from fewscape.mapping.examples.drawn_cells import SceneCells, read_drawn_cells, sample_ground
from fewscape.mapping.examples.drawn_scene import DrawnOn
from fewscape.mapping.mapper import MapOptions, Mapper
from fewscape.mapping.output.assembly import FinishedMap, assemble
from fewscape.mapping.output.finishing import OutputOptions
from fewscape.mapping.output.journal import Journal
from fewscape.mapping.pan_ms.pair_examples import PixelExamples, read_pixel_examples
from fewscape.mapping.pan_ms.pair_mapper import PairMapper
from fewscape.mapping.pan_ms.pair_memory import PairMemory
from fewscape.mapping.pan_ms.pair_segmenter import PairScene, PairSegmenter, describe_pixels
from fewscape.mapping.plan import LayerPlan, MapPlan
from fewscape.mapping.ray_engine import RayOptions, map_with_ray
from fewscape.mapping.runner import make_map, make_shard, map_scene
from fewscape.mapping.windows.blending import BlendingBand, Strip
from fewscape.mapping.windows.memory import MemoryPlan
from fewscape.mapping.windows.prediction import plan_scene, predict_strips
from fewscape.mapping.windows.scene_mapper import SceneMapper

__all__ = [
    "Annotations",
    "BlendingBand",
    "DrawnOn",
    "Estimate",
    "Examples",
    "FewShotSegmenter",
    "FinishedMap",
    "Journal",
    "LayerPlan",
    "MapOptions",
    "MapPlan",
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
