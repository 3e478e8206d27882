"""The tasks of the main job: what is drawn, what is mapped, and what of the map counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fewscape.benchmark.main_job.scenes import JobScene
from fewscape.benchmark.main_job.simulated_user import has_objects
from fewscape.mapping.examples.reserved_names import BACKGROUND, fold_case

TASKS: Mapping[str, str] = {
    "all": "all classes of the scene are drawn, and the rest of it is mapped",
    "one": "one class is drawn, all others as 'background'; each class in turn",
    "alone": "one class is drawn and nothing else; each class in turn",
    "across": "all classes of a scene are drawn, and another scene of the set is mapped",
    "absent": "one class is drawn, all others as 'background', and a scene is mapped that shows of "
    "these, but not the class",
}
"""What each task asks."""

SHARES = ("absent",)
"""Tasks whose score is the share of pixels that are falsely mapped; the others' is the mean IoU."""

MOST_TURNS = 3
"""Classes of a scene that have their turn."""


@dataclass(frozen=True, slots=True)
class Job:
    """One map to make."""

    source: JobScene
    """What is drawn on."""
    target: JobScene
    """What is mapped."""
    names: Mapping[int, str]
    """What each drawn class id is called in the examples."""
    scored: tuple[int, ...]
    """Class ids whose IoU counts; of task ``absent`` the one that is not there."""


def plan_jobs(task: str, scenes: Sequence[JobScene], index: int, form: str = "areas") -> list[Job]:
    """The maps of a task on a scene; none where the task makes no sense there.

    Args:
        task: one of ``TASKS``.
        scenes: of one data set.
        index: which of them is drawn on.
        form: of the drawings; only classes that come in objects have their turn with ``objects``.
    """
    scene = scenes[index]
    wanted = scene.wanted
    others = [*scenes[index + 1 :], *scenes[:index]]
    if task == "all":
        return [Job(scene, scene, _name(scene), tuple(wanted))]
    if task == "across":
        for other in others:
            common = tuple(sorted(set(wanted) & set(other.wanted)))
            if len(common) > 1:
                return [Job(scene, other, _name(scene), common)]
        return []
    turns = [number for number in wanted if not _is_background(scene, number)]
    if form == "objects":
        turns = [number for number in turns if has_objects(scene.labels, number)]
    if task == "absent":
        for other in others:
            for number in turns:
                shared = set(wanted) & set(other.wanted)
                if shared and not (other.labels == number).any():
                    return [Job(scene, other, _name(scene, number), (number,))]
        return []
    names = {number: _name(scene, number) for number in turns[:MOST_TURNS]}
    if task == "alone":
        names = {number: {number: own[number]} for number, own in names.items()}
    return [Job(scene, scene, own, (number,)) for number, own in names.items()]


def _name(scene: JobScene, only: int | None = None) -> dict[int, str]:
    """Names of the wanted classes; all but one are background if one is given."""
    return {
        number: scene.class_names[number] if only in (None, number) else BACKGROUND
        for number in scene.wanted
    }


def _is_background(scene: JobScene, number: int) -> bool:
    return fold_case(scene.class_names[number]) == BACKGROUND
