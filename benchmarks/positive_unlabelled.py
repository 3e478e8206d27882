r"""One class drawn alone: the rule for positive and unlabelled cells and its baselines.

    .venv/bin/python -m benchmarks.positive_unlabelled --root data \
        --models maximum_likelihood \
        --output benchmarks/results/positive_unlabelled.md

One random class of each scene is drawn as 1, 3 and 10 polygons, and nothing else. All models learn
from the same cells of 2 x 2 pixels and are scored by the IoU of the class over undrawn cells,
averaged over the scenes of a set, then over the sets. ``best threshold`` cuts the rule's score at
the threshold that is best for the truth, an upper bound for any threshold.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from fewscape.benchmark.main_job.scenes import JobScene, choose_scenes
from fewscape.benchmark.main_job.simulated_user import draw
from fewscape.core import IGNORE
from fewscape.mapping.examples.reserved_names import BACKGROUND, fold_case
from fewscape.models import MaximumLikelihood, PixelTrees, RandomForest
from fewscape.models.experts import Cells, PositiveUnlabelled, Scaling
from fewscape.ops import box_features, multiscale_features

SETS = (
    *("dubai_mbrsc", "dronedeploy_chips", "gid_mtl5", "penang_map", "s2_india"),
    *("forest_ru", "turf", "cloud_shadow", "flood_area", "epfl_roads"),
)
POLYGONS = (1, 3, 10)
SCENE_CELLS = 8000
"""Cells sampled from the scene; those not drawn are scored."""

MODELS = {
    "maximum_likelihood": (MaximumLikelihood(), box_features),
    "random_forest": (RandomForest(), box_features),
    "pixel_trees": (PixelTrees(), multiscale_features),
}
"""Baselines and their features. Forests take most of the time."""

Scores = Mapping[tuple[int, str, str], list[float]]
Mask = npt.NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=2, help="of each set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    scores: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    seconds: list[float] = []
    for name in SETS:
        for scene in choose_scenes(arguments.root / name, arguments.scenes, arguments.seed):
            for polygons, model, score in judge(scene, arguments, seconds):
                scores[polygons, name, model].append(score)
        print(name, flush=True)
    parts = [TITLE + "\n", *(tell(scores, polygons) for polygons in POLYGONS)]
    parts.append(f"The rule takes {np.median(seconds):.1f} s of one processor, in the median.\n")
    arguments.output.write_text("\n".join([*parts, TRIED]), "utf-8")


def judge(
    scene: JobScene, arguments: argparse.Namespace, seconds: list[float]
) -> Iterator[tuple[int, str, float]]:
    """Score one class of a scene: number of polygons, model and IoU."""
    generator = scene.make_generator(arguments.seed, "alone")
    names = scene.class_names
    classes = [number for number in scene.wanted if fold_case(names[number]) != BACKGROUND]
    number = int(generator.choice(classes))
    height, width = (side // 2 * 2 for side in scene.labels.shape)
    labels = scene.labels[:height, :width]
    image = torch.from_numpy(scene.pixels[:, :height, :width] / np.float32(255))[None].float()
    views = {make: encode(image, make) for make in (box_features, multiscale_features)}
    flat = labels[::2, ::2].ravel()
    sample = generator.permutation(len(flat))[:SCENE_CELLS]
    for polygons in POLYGONS:
        owners = np.full(len(flat), -1)
        for place, drawing in enumerate(draw(labels, polygons, generator, classes=[number])):
            cells = drawing.pixels.reshape(height // 2, 2, width // 2, 2).all(axis=(1, 3))
            owners[cells.ravel()] = place
        if not (owners >= 0).any():
            continue
        known = (flat[sample] != IGNORE) & (owners[sample] < 0)
        truth = flat[sample][known] == number
        cells_of = {make: gather(values, owners, sample) for make, values in views.items()}
        started = time.process_time()
        cells = cells_of[multiscale_features]
        logs = PositiveUnlabelled().learn(cells).predict(cells.scene)[known]
        seconds.append(time.process_time() - started)
        odds = logs[:, 1] - logs[:, 0]
        yield polygons, "rule", find_iou(odds >= 0, truth)
        cuts = np.quantile(odds, np.linspace(0.01, 0.99, 99))
        yield polygons, "best threshold", max(find_iou(odds >= cut, truth) for cut in cuts)
        yield polygons, "everything", find_iou(np.ones(len(truth), np.bool_), truth)
        for name in arguments.models:
            model, make = MODELS[name]
            cells = cells_of[make]
            logs = model.predict_cells(cells.scene, model.learn(cells))[known]
            yield polygons, name, find_iou(logs[:, 1] >= logs[:, 0], truth)


def encode(image: torch.Tensor, make: object) -> npt.NDArray[np.float32]:
    """(N, D) features of the cells, scaled over the scene."""
    assert callable(make)
    values = make(image, 2)[0].flatten(1).T.numpy()
    return Scaling.measure(values).apply(values)


def gather(
    values: npt.NDArray[np.float32], owners: npt.NDArray[np.int64], sample: npt.NDArray[np.int64]
) -> Cells:
    """The drawn cells and those of the scene."""
    is_drawn = owners >= 0
    drawn = values[is_drawn]
    return Cells(drawn, np.zeros(len(drawn), np.int64), owners[is_drawn], values[sample])


def find_iou(found: Mask, truth: Mask) -> float:
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def tell(scores: Scores, polygons: int) -> str:
    """A table of IoU in %, one row per set."""
    rows = [f"## {polygons} polygon{'s' * (polygons > 1)}", ""]
    measured = list(dict.fromkeys(model for _, _, model in scores))
    rows += [f"| set | {' | '.join(measured)} |", f"|---|{'---:|' * len(measured)}"]
    sets = [name for name in SETS if (polygons, name, "rule") in scores]
    table = np.array([[np.mean(scores[polygons, s, m]) for m in measured] for s in sets])
    for name, values in zip([*sets, "mean"], [*table, table.mean(axis=0)], strict=True):
        rows.append(f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in values)} |")
    return "\n".join([*rows, ""])


TITLE = """# One class drawn alone

IoU of the class in % over cells that were not drawn. Made by `benchmarks/positive_unlabelled.py`,
on another draw of scenes of the same sets than that which chose the rule; of small sets some
scenes are in both."""

TRIED = """## What was tried before

On other scenes of the same sets, which chose the rule: 10 sets, two classes of each of two scenes
of two seeds (64 classes; of one seed, 32 classes, with a star). Mean IoU in % over the sets at
1 / 3 / 10 polygons. The tables above are of a later draw, which changed nothing.

Scores, each cut at its best threshold:

| score | IoU |
|---|---:|
| Gaussian of the class against one of the scene, added variance 1 (the rule) | 68.2 / 68.8 / 65.3 |
| the same, added variance 0.3 | 68.0 / 69.2 / 65.9 |
| the same, added variance 3 | 68.2 / 68.3 / 64.5 |
| the same on squares of 5 and 13 pixels, added variance 1 | 64.6 / 64.4 / 60.3 |
| trees against the 30 % of the scene least like the class * | 63.7 / 67.5 / 66.4 |
| trees against a sample of the scene * | 49.9 / 58.9 / 67.1 |
| both trees + 0.1 of the Gaussian ratio * | 67.9 / 70.1 / 68.9 |
| linear discriminant against the 30 % least like it + 0.1 of the ratio * | 65.9 / 66.0 / 62.4 |
| k-means with 10 centres, share drawn over share of the scene * | 56.6 / 64.5 / - |
| mixture of the class and 25 normals by EM, tempered * | 66.3 / 69.3 / - |

Thresholds on the Gaussian ratio:

| threshold | IoU |
|---|---:|
| r^3 / (m + 0.02) on held-out cells | 54.0 / 59.2 / 60.8 |
| r^3 / (m + 0.1) | 55.0 / 58.3 / 60.3 |
| r^2 / (m + 0.02), near Lee and Liu | 53.0 / 59.2 / 59.2 |
| r^5 / (m + 0.02) | 56.0 / 57.8 / 59.5 |
| 10 % quantile of held-out cells | 52.5 / 55.8 / 57.9 |
| ratio at 1 | 50.5 / 55.9 / 56.6 |
| Otsu | 50.4 / 48.0 / 46.0 |
| mixture of two normals | 49.0 / 47.3 / 46.4 |
| 30 % of the scene, whatever it is | 36.0 / 35.9 / 32.8 |
| the true share of the class *, added variance 0.3 | 65.5 / 68.3 / 66.3 |

* The geometric mean of two or three of these shares gains 0.3 at most over the best one, so there
  is one rule and not several.
* The mixture by EM gives posteriors of no use at 0.5 (2.5 / 3.8): its other components claim the
  class as well.
* A single polygon has to be split to hold something out. Three groups by k-means: 54.8 (other
  starts 54.3 and 53.1); two: 53.8; five: 47.4; three parts along the first principal component:
  48.3.
* With another scene (3 polygons, class drawn alone): the score and threshold against the new scene
  map 24 % of scenes without the class falsely, those of the drawn scene 51 %, of both pooled 39 %
  (pooled: one seed). Where the class is there, the new scene's lose: IoU 25 % against 43 % (of one
  seed: pooled 32 %, everything 49 %). A third draw of scenes says the same: 20 against 43 % falsely
  mapped, IoU 28 against 49 %. Sets whose scenes differ in light decide both. The new scene alone is
  kept: it is the only one that can say that a class is not there. What is drawn in one scene is not
  safe in another.
* A single polygon stays unsure. On a third draw of scenes (48 classes) the rule has 35.1 / 55.5 /
  56.9 of at most 62.6 / 63.8 / 59.9, so what the thresholds' table says of one polygon is too kind.
  There Otsu's threshold on the same score has 48.3, and the mean of its log odds and the rule's
  46.1 (53.3 against 58.4 on one of the first seeds). It would be the steadier choice for one
  polygon, but Otsu's threshold finds a class in every scene, also where there is none.
* Trees against a sample of the scene, cut at 0.5 as `pixel_trees` does, find next to nothing of a
  class that is frequent: 5.8 / 10.0 / 21.4 (one seed). `pixel_trees` itself, on one scene of a set
  of the tables above: 0.6 / 7.0 / 13.1, where the rule has 44.3 / 63.2 / 67.0.
* Not tried: kernel mean embeddings, AlphaMax, TIcE.
"""


if __name__ == "__main__":
    main()
