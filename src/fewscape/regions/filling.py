"""Fill a store with the regions of many images, in parallel and resumable."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fewscape.core import ConfigError
from fewscape.regions.maker import Image, RegionMaker
from fewscape.regions.store import RegionStore

Item = TypeVar("Item")

OnProgress = Callable[[int, int], None]
"""Receives the number of maps made and the number already there."""

_SECONDS_BETWEEN_REPORTS = 0.2


@dataclass(frozen=True)
class FillJob(Generic[Item]):
    """How to process an item; sent to worker processes once.

    Args:
        store: store of the maps.
        maker: makes the maps.
        read: reads the image (H, W, C) of an item; must be picklable.
    """

    store: RegionStore
    maker: RegionMaker
    read: Callable[[Item], Image]

    def fill(self, item: Item) -> bool:
        """Make the item's regions if missing; return whether they were made."""
        return self.store.add(self.read(item), self.maker)


def fill_store(
    job: FillJob[Item],
    groups: Sequence[Sequence[Item]],
    workers: int = 1,
    on_progress: OnProgress = lambda made, found: None,
) -> None:
    """Make the missing regions of all items.

    After a ``KeyboardInterrupt`` or an error, images in progress are finished, no others are
    started, and the exception is raised again; the next call skips finished images.

    Args:
        job: how to process an item.
        groups: items that one process should read together, such as windows of one image.
        workers: number of processes; 1 uses the current one.
        on_progress: called repeatedly, and in any case at the end.

    Raises:
        ConfigError: a worker process was killed.
    """
    if workers == 1:
        _fill_here(job, groups, on_progress)
        return
    context = multiprocessing.get_context("spawn")  # a forked torch may hang
    shared = _Shared(context.Value("q", 0), context.Value("q", 0), context.Event())
    try:
        with ProcessPoolExecutor(workers, context, _start_worker, (job, shared, workers)) as pool:
            with _children_ignore_interrupts():
                futures = [pool.submit(_fill_group, group) for group in groups]
            _follow(futures, shared, pool, on_progress)
    except BrokenProcessPool as error:
        raise ConfigError(
            "a worker process was killed",
            "usually there is not enough memory for so many",
            "run again with fewer workers; finished maps are kept",
        ) from error
    finally:
        on_progress(shared.made.value, shared.found.value)


def _fill_here(
    job: FillJob[Item], groups: Sequence[Sequence[Item]], on_progress: OnProgress
) -> None:
    made = found = 0
    for group in groups:
        for item in group:
            is_new = job.fill(item)
            made, found = made + is_new, found + (not is_new)
            on_progress(made, found)


@dataclass(frozen=True)
class _Shared:
    """State shared between processes."""

    made: Any
    found: Any
    stop: Any


def _follow(
    futures: Sequence[Future[None]],
    shared: _Shared,
    pool: ProcessPoolExecutor,
    on_progress: OnProgress,
) -> None:
    pending = set(futures)
    try:
        while pending:
            done, pending = wait(pending, _SECONDS_BETWEEN_REPORTS, FIRST_EXCEPTION)
            on_progress(shared.made.value, shared.found.value)
            for future in done:
                future.result()
    except BaseException:
        shared.stop.set()
        pool.shutdown(cancel_futures=True)
        raise


@contextlib.contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Make new child processes ignore Ctrl-C, which reaches all processes of a terminal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


_worker: tuple[FillJob[Any], _Shared] | None = None


def _start_worker(job: FillJob[Any], shared: _Shared, workers: int) -> None:
    import torch

    global _worker
    _worker = (job, shared)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))


def _fill_group(group: Sequence[Any]) -> None:
    assert _worker is not None  # the pool's initializer has run
    job, shared = _worker
    for item in group:
        if shared.stop.is_set():
            return
        counter = shared.made if job.fill(item) else shared.found
        with counter.get_lock():
            counter.value += 1
