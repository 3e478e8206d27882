"""What ``fewscape map`` tells while it works and when it is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fewscape.mapping import MapResult


@contextmanager
def show_progress(name: str, pixels: int) -> Iterator[Callable[[int], None]]:
    """A bar in megapixels, on standard error; takes the pixels finished since the last call."""
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


def tell_result(name: str, result: MapResult) -> None:
    """The files with their sizes, the classes with their shares, what has no data, the time."""
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
