"""The threads that keep the map of the view up to date: one encodes, two paint, one examines.

Whoever draws waits for painting only; so nothing else is done in its threads.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fewscape.core import FewscapeError
from fewscape.mapping.engine.next_places import choose_next_places
from fewscape.mapping.engine.own_accuracy import estimate_own_accuracy
from fewscape.models.pixel import PixelModel
from fewscape.serve.desk import Desk, Place, View, adapt
from fewscape.serve.learning import (
    DRAFT_CELLS,
    QUICK_CELLS,
    Learnt,
    gather,
    learn,
    list_taught_classes,
)
from fewscape.serve.painting import Look, Painted, paint

SKETCH_CELLS = 100_000
"""Cells of the first map of a view; of larger views it is coarser."""

MOST_ENCODED = 60
"""Cores of a view that are encoded: of a whole large scene, its middle."""

PAINTERS = 2
"""Threads that paint, each one part of the map."""

REST = 0.6
"""Seconds after an example before its map is made better than a sketch: the next may follow."""

PAUSE = 1.5
"""Seconds without a new example before the map is judged."""

NUM_PLACES = 5
"""Suggestions where to draw next."""

Publish = Callable[..., None]

log = logging.getLogger(__name__)


class Workers:
    """Follows what is drawn and what is looked at.

    Args:
        desks: of the scenes, by number.
        publish: tells all pages, see ``Broadcaster.publish``.
    """

    def __init__(self, desks: list[Desk], publish: Publish) -> None:
        self.desks = desks
        self.publish = publish
        self.model: PixelModel[Any] | None = None
        self._views: dict[int, View] = {}
        self._active = 0
        self._is_ending = False
        self._judged: dict[int, int] = {}
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._own_learnt: dict[int, Learnt] = {}
        self._choosing = threading.Lock()
        self._bettering = threading.Lock()
        self._in_work: set[tuple[int, Place]] = set()
        self._drawn_at = -math.inf

    def start(self, load: Callable[[], None]) -> None:
        """Start the threads.

        Args:
            load: gives the desks their model; called in the first thread.
        """
        painters = [self._paint_forever] * PAINTERS
        jobs = (lambda: self._begin(load), *painters, self._examine_forever)
        for job in jobs:
            thread = threading.Thread(target=job, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the threads as soon as each has done its piece of work."""
        with self._news:
            self._is_ending = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join(30)

    def wake(self) -> None:
        """Something was drawn."""
        self._drawn_at = time.monotonic()
        with self._news:
            self._news.notify_all()

    def show(self, number: int, view: View) -> None:
        """A page shows this part of a scene now."""
        with self._news:
            self._views[number] = view
            self._active = number
            self._news.notify_all()

    @property
    def is_ready(self) -> bool:
        """Whether the model is there."""
        return self.model is not None

    def teacher_of(self, desk: Desk) -> Desk:
        """The desk whose examples map a scene: its own, or the first one with examples."""
        if list_taught_classes(desk.drawing.now):
            return desk
        return next((one for one in self.desks if list_taught_classes(one.drawing.now)), desk)

    # What the threads do, one step at a time.

    def encode_one(self) -> bool:
        """Encode the next core of the view that has no features yet; whether there was one."""
        desk = self.desks[self._active]
        store, view = desk.store, self._views.get(desk.number)
        if store is None or view is None:
            return False
        if not store.is_measured:
            return bool(store.sampled)
        wanted = view.places[:MOST_ENCODED]
        missing = [place for place in wanted if not store.has(place)]
        if not missing:
            return False
        done = len(wanted) - len(missing)
        self.publish("progress", scene=desk.number, done=done, total=len(wanted))
        store.get(missing[0])
        self.publish("progress", scene=desk.number, done=done + 1, total=len(wanted))
        return True

    def follow(self, desk: Desk) -> bool:
        """Learn what was drawn since the last time; whether anything is known.

        A scene without examples of its own is mapped by those of another one.
        """
        teacher = self.teacher_of(desk)
        if teacher.store is None or desk.store is None:
            return False
        self._learn_own(teacher)
        mine = self._own_learnt.get(teacher.number)
        if mine is None:
            if desk.learnt is not None:
                desk.forget_map()
                self.publish("learnt", scene=desk.number, revision=None, channels=[])
            return False
        if desk is teacher:
            return True
        if desk.learnt is None or desk.learnt.cells is not mine.cells:
            desk.learnt = adapt(mine, desk.store)
            self._tell_learnt(desk)
        return True

    def paint_one(self) -> bool:
        """Paint the most urgent core of the view; whether anything was done."""
        desk = self.desks[self._active]
        store = desk.store
        with self._choosing:
            view = self._views.get(desk.number)
            if view is None or store is None or not self.follow(desk):
                return False
            learnt = desk.learnt
            assert learnt is not None
            found = self._choose(desk, view, learnt)
            if found is not None:
                place, step, is_sketch = found
                self._in_work.add((desk.number, place))
        if found is None:
            return learnt.is_draft and self._learn_better(self.teacher_of(desk))
        try:
            core = store.get(place)
            look = Look(step, is_sketch, desk.temperature)
            is_newest = partial(self._is_newest, desk, learnt)
            painted = paint(store.model, learnt, core, look, is_newest)
            if painted is not None:
                desk.keep(place, painted)
        finally:
            self._in_work.discard((desk.number, place))
        if painted is not None:
            self._tell_painted(desk, place, painted)
        return True

    def examine(self, desk: Desk) -> None:
        """Judge the map by its examples, and look for places where to draw next."""
        taught, learnt = desk.taught, desk.learnt
        if taught is None or learnt is None or desk.store is None:
            return
        own = estimate_own_accuracy(desk.store.model, taught.cells, taught.names)
        if desk.taught is not taught:
            return
        numbers = np.unique(taught.cells.cells.polygons)
        agreement: dict[str, list[float]] = {}
        for number, share in zip(numbers.tolist(), own.agreement.tolist(), strict=True):
            if not np.isnan(share):
                agreement.setdefault(taught.owners[number], []).append(share)
        desk.agreement = {key: float(np.mean(shares)) for key, shares in agreement.items()}
        desk.accuracy, desk.accuracy_revision = own, taught.revision
        self.publish("accuracy", scene=desk.number, accuracy=desk.encode_accuracy())

    def suggest(self, desk: Desk, count: int = NUM_PLACES) -> list[dict[str, float]]:
        """Where one more example would teach most, among the ground that is painted."""
        spots = desk.find_spots()
        if spots is None or desk.learnt is None:
            return []
        apart = desk.store.side / 6 if desk.store else 0.0
        chosen = choose_next_places(spots, desk.drawn_means(), count, apart)
        return [
            {
                "row": round(one.row, 1),
                "col": round(one.col, 1),
                "unsure": round(one.unsure, 3),
                "novelty": round(one.novelty, 3),
            }
            for one in chosen
        ]

    def _learn_own(self, desk: Desk) -> None:
        now = desk.drawing.now
        store = desk.store
        known = self._own_learnt.get(desk.number)
        if store is None or (known is not None and known.revision == now.revision):
            return
        taught = None
        if list_taught_classes(now):
            taught = gather(now, store, desk.drawing.path)
        if taught is None:
            self._own_learnt.pop(desk.number, None)
            desk.taught = None
            return
        known = learn(taught, store, DRAFT_CELLS)
        self._own_learnt[desk.number] = known
        desk.taught, desk.learnt = taught, known
        self._tell_learnt(desk)

    def _choose(self, desk: Desk, view: View, learnt: Learnt) -> tuple[Place, int, bool] | None:
        """What to paint, how finely, and whether as a sketch.

        Everything coarsely, from the middle, then as fine as the screen shows it, then exactly.
        """
        store = desk.store
        assert store is not None
        ready = [place for place in view.places if store.has(place)]
        cells = (store.side // store.model.stride) ** 2 * max(1, len(ready))
        coarse = next((step for step in (1, 2) if cells / step**2 <= SKETCH_CELLS), 4)
        coarse = max(coarse, view.step)
        free = [place for place in ready if (desk.number, place) not in self._in_work]
        for step in (coarse, view.step):
            for place in free:
                known = desk.painted(place)
                if known is None or known.revision != learnt.revision or known.step > step:
                    return place, step, True
        if len(free) < len(ready) or learnt.is_draft or self._is_drawing:
            return None
        for place in free:
            known = desk.painted(place)
            if known is None or known.is_draft or known.step > view.step:
                return place, view.step, False
        return None

    @property
    def _is_drawing(self) -> bool:
        """Whether the last example is so new that another one may follow."""
        return time.monotonic() - self._drawn_at < REST

    def _is_newest(self, desk: Desk, learnt: Learnt) -> bool:
        return self.teacher_of(desk).drawing.now.revision == learnt.revision

    def _learn_better(self, teacher: Desk) -> bool:
        """Learn from more cells once nobody waits for the map; whether that was done."""
        taught, draft, store = teacher.taught, self._own_learnt.get(teacher.number), teacher.store
        if self._is_drawing or self._in_work or taught is None or store is None:
            return False
        if draft is None or draft.revision != taught.revision:
            return False
        if not self._bettering.acquire(blocking=False):
            return False
        try:
            better = learn(taught, store, QUICK_CELLS)
        finally:
            self._bettering.release()
        with self._choosing:
            if self._own_learnt.get(teacher.number) is draft:
                self._own_learnt[teacher.number] = teacher.learnt = better
        return True

    def _tell_learnt(self, desk: Desk) -> None:
        learnt = desk.learnt
        assert learnt is not None
        self.publish(
            "learnt",
            scene=desk.number,
            revision=learnt.revision,
            channels=list(learnt.channels),
            teacher=self.teacher_of(desk).number,
        )

    def _tell_painted(self, desk: Desk, place: Place, painted: Painted) -> None:
        self.publish(
            "painted",
            scene=desk.number,
            row=place[0],
            col=place[1],
            revision=painted.revision,
            step=painted.step,
            draft=painted.is_draft,
        )

    def _begin(self, load: Callable[[], None]) -> None:
        """The first thread: load the model, then encode what is looked at."""
        self._guarded(load)
        self.publish("ready", scene=self._active)
        self.wake()
        self._loop(self.encode_one)

    def _paint_forever(self) -> None:
        self._loop(self.paint_one)

    def _examine_forever(self) -> None:
        while not self._is_ending:
            desk = self.desks[self._active]
            taught = desk.taught
            is_new = taught is not None and self._judged.get(desk.number) != taught.revision
            with self._news:
                self._news.wait(PAUSE)
            if not is_new or desk.taught is not taught or taught is None:
                continue
            self._judged[desk.number] = taught.revision
            self._guarded(lambda: self.examine(desk))  # noqa: B023 - called at once

    def _loop(self, work: Callable[[], bool]) -> None:
        while not self._is_ending:
            if self._guarded(work):
                self.wake()
                continue
            with self._news:
                if not self._is_ending:
                    self._news.wait(0.5)

    def _guarded(self, work: Callable[[], Any]) -> bool:
        """Whether work was done; what goes wrong is told on the page, and tried again later."""
        desk = self.desks[self._active]
        try:
            done = bool(work())
        except FewscapeError as error:
            self._report(desk, str(error))
            return False
        except Exception as error:
            log.exception("a worker failed")
            self._report(desk, f"this should not happen: {type(error).__name__}: {error}")
            return False
        if done and desk.trouble:
            self._report(desk, "")
        return done

    def _report(self, desk: Desk, trouble: str) -> None:
        if trouble != desk.trouble:
            desk.trouble = trouble
            self.publish("trouble", scene=desk.number, sentence=trouble)
