"""An argument parser that takes both spellings of an option and suggests the nearest."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Long options are written with underscores; hyphens mean the same. No abbreviations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (argparse's own)
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As usual, after hyphens within option names became underscores."""
        given = sys.argv[1:] if args is None else list(args)
        known, unknown = super().parse_known_args([self._spell(word) for word in given], namespace)
        for word in unknown:
            if word.startswith("--"):
                self._refuse(word.partition("=")[0])
        return known, unknown

    def _spell(self, word: str) -> str:
        if not word.startswith("--") or word == "--":
            return word
        name, equals, value = word.partition("=")
        spelled = "--" + name[2:].replace("-", "_")
        known = self._options()
        return spelled + equals + value if spelled in known and name not in known else word

    def _options(self) -> set[str]:
        return {option for action in self._actions for option in action.option_strings}

    def _refuse(self, option: str) -> NoReturn:
        nearest = difflib.get_close_matches(option, self._options(), n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        self.error(f"there is no option {option}{hint}")

    def error(self, message: str) -> NoReturn:
        """One sentence and where to look, exit code 2."""
        self.exit(2, f"error: {message}\nsee: {self.prog} --help\n")
