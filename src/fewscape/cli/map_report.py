"""What ``fewscape map`` prints while it runs and when it is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fewscape.request import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fewscape.mapping import Estimate, FinishedMap
    from fewscape.mapping.engine.own_accuracy import OwnAccuracy

ACCURACY_TITLE = "expected accuracy on '{scene}', each polygon predicted from the others:"

UNKNOWN_TITLE = "examples; too few polygons to estimate the accuracy:"


class Terminal(Reporter):
    """Reports to the terminal; warnings and progress go to standard error."""

    def info(self, sentence: str) -> None:
        """A line."""
        print(sentence, flush=True)

    def warn(self, sentence: str) -> None:
        """A line on standard error."""
        warn(sentence)

    def accuracy(self, own: OwnAccuracy, scene_name: str) -> None:
        """Print a line per class, and what to draw next."""
        print_accuracy(own, scene_name)

    def cost(self, scene_name: str, estimate: Estimate, is_shared: bool) -> None:
        """A line."""
        whole = " (of all shards together)" if is_shared else ""
        print(f"{scene_name}: {estimate!s}{whole}", flush=True)

    def progress(self, label: str, pixels: int) -> AbstractContextManager[Callable[[int], None]]:
        """A bar."""
        return show_progress(label, pixels)

    def finished(self, scene_name: str, finished: FinishedMap) -> None:
        """Print the files, the class shares and the time."""
        print_result(scene_name, finished)

    def checked(self, scene_name: str, results: Mapping[str, Any], path: Path) -> None:
        """Print the tables and the file with the numbers."""
        from fewscape.cli.map_check_report import print_check

        print_check(scene_name, results)
        print(f"  {path}")


def warn(sentence: str) -> None:
    """Print a warning to standard error."""
    print(f"warning: {sentence}", file=sys.stderr)


def print_accuracy(own: OwnAccuracy, scene_name: str) -> None:
    """Print a line per class, and what to draw next.

    Args:
        own: the accuracy estimated from the examples.
        scene_name: scene of the examples, the only one that the estimate holds for.
    """
    from fewscape.mapping.engine.accuracy_notes import advise, describe_lone_class, list_accuracy

    print(UNKNOWN_TITLE if own.mean_iou is None else ACCURACY_TITLE.format(scene=scene_name))
    for line in list_accuracy(own):
        print(f"  {line}")
    for sentence in (advise(own), describe_lone_class(own)):
        if sentence:
            print(sentence)


@contextmanager
def show_progress(name: str, pixels: int) -> Iterator[Callable[[int], None]]:
    """A progress bar in megapixels on standard error; update it with newly finished pixels."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        """Megapixels a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.2f} MP/s")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f} of {task.total:.1f} MP"),
        Speed(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(name, total=pixels / 1e6)
        yield lambda done: progress.advance(task, done / 1e6)


def print_result(name: str, result: FinishedMap) -> None:
    """Print the files and their sizes, the class shares, the share without data and the time."""
    for file in result.files:
        print(f"  {file}  {file.stat().st_size / 1e6:.2f} MB")
    shares = ", ".join(
        f"{name} {pixels / max(1, result.valid_pixels):.1%}"
        for name, pixels in result.class_pixels.items()
    )
    if result.valid_pixels < result.pixels:
        shares += f" of the valid pixels; no data {1 - result.valid_pixels / result.pixels:.1%}"
    print(
        f"{name}: {shares}; {result.pixels / 1e6:.2f} MP in {result.seconds:.1f} s, "
        f"{result.megapixels_per_second:.2f} MP/s"
    )
