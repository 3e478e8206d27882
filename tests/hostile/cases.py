"""The list of inputs: a function makes the files of each and names the command."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.hostile import invented

Words = Sequence[object]
Verdict = Literal["refused", "right", "wrong", "defect"]

LEAST = 0.72
"""IoU with the roofs from which a map of them is right."""

QUICK = ("--model", "random_forest", "--no_preview", "--no_estimate")


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        kind: of its fault.
        name: of the input.
        make: writes files into an empty folder and gives the words of the command.
        refused: part of the sentence that it is refused with; None if it is to be used.
        told: part of what is said beside a right result.
        check: whether what was written is right; of maps, whether the roofs are found. Of what is
            refused: whether nothing else happened.
    """

    kind: str
    name: str
    make: Callable[[Path], Words]
    refused: str | None = None
    told: str = ""
    check: Callable[[Path], bool] | None = None

    def run(self, folder: Path) -> tuple[Verdict, str]:
        """What becomes of the input, and everything that was printed."""
        code, text = call(self.make(folder))
        return self.judge(folder, code, text), text

    def judge(self, folder: Path, code: object, text: str) -> Verdict:
        if code not in (0, 2, 3) or "Traceback" in text or "defect:" in text:
            return "defect"
        if code == 2:
            is_meant = self.refused is not None and self.refused in text
            is_kept = self.check is None or self.check(folder)
            return "refused" if is_meant and is_kept else "wrong"
        if self.refused is not None or self.told not in text:
            return "wrong"
        return "right" if (self.check or finds_roofs)(folder) else "wrong"


CASES: list[Case] = []


def case(
    kind: str,
    refused: str | None = None,
    told: str = "",
    check: Callable[[Path], bool] | None = None,
    name: str | None = None,
) -> Callable[[Callable[[Path], Words]], Callable[[Path], Words]]:
    """Put a function on the list, under its own name if no other is given."""

    def add(make: Callable[[Path], Words]) -> Callable[[Path], Words]:
        CASES.append(Case(kind, name or make.__name__, make, refused, told, check))
        return make

    return add


def load_cases() -> list[Case]:
    """All of them, from every module ``inputs_...`` beside this one."""
    folder = Path(__file__).parent
    for module in pkgutil.iter_modules([str(folder)]):
        if module.name.startswith("inputs_"):
            importlib.import_module(f"tests.hostile.{module.name}")
    return CASES


def call(words: Words) -> tuple[object, str]:
    """The exit code of a command, run here, and everything that it printed."""
    from fewscape.cli.main import main

    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        try:
            code: object = main([str(word) for word in words])
        except SystemExit as error:
            code = error.code
        except BaseException:  # noqa: BLE001 (a defect is what is looked for)
            traceback.print_exc()
            code = "raised"
    return code, told.getvalue()


def map_words(folder: Path, scene: object, examples: object, *more: object) -> Words:
    """Map with a model that learns in a moment."""
    return ("map", scene, "--examples", examples, "--output", folder / "out", *QUICK, *more)


def finds_roofs(folder: Path) -> bool:
    """Whether there is one class map, and the roofs stand in it."""
    found = sorted((folder / "out").glob("*_classes.tif"))
    return len(found) == 1 and invented.score(found[0]) >= LEAST
