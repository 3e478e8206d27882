"""An argument parser that accepts both spellings of an option and suggests the nearest one."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Long options have underscores; hyphens work too. Abbreviations are refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (argparse's own)
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def add_subparsers(self, **kwargs: Any) -> Any:  # noqa: ANN401 (argparse's own)
        """Add verbs, each with a parser like this one and its own part of the example."""
        verbs: Any = super().add_subparsers(action=_Verbs, **kwargs)
        verbs.epilog = self.epilog
        return verbs

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse after unifying the spelling of options and refusing unknown ones."""
        words = sys.argv[1:] if args is None else list(args)
        if self._subparsers is None:  # options after a verb belong to the verb
            words = self._spell(words)
        return super().parse_known_args(words, namespace)

    def _spell(self, words: list[str]) -> list[str]:
        """Put underscores into option names; ``--`` ends the options."""
        end = words.index("--") if "--" in words else len(words)
        return [self._spell_option(word) for word in words[:end]] + words[end:]

    def _spell_option(self, word: str) -> str:
        if not word.startswith("--") or " " in word:
            return word
        name, equals, value = word.partition("=")
        spelled = "--" + name[2:].replace("-", "_")
        options = {option for action in self._actions for option in action.option_strings}
        if spelled not in options:
            self._refuse(name, spelled, options)
        return spelled + equals + value

    def _refuse(self, name: str, spelled: str, options: set[str]) -> NoReturn:
        nearest = difflib.get_close_matches(spelled, options, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        self.error(f"there is no option {name}{hint}")

    def error(self, message: str) -> NoReturn:
        """Print the error and where to find help; exit with code 2."""
        self.exit(2, f"error: {message}\nsee: {self.prog} --help\n")


class _Verbs(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Verbs whose help shows their summary, and the lines of the example that call them."""

    epilog: str | None = None

    def add_parser(self, name: str, **kwargs: Any) -> Any:  # noqa: ANN401 (argparse's own)
        kwargs.setdefault("description", kwargs.get("help"))
        call = rf"^ *{re.escape(f'{self._prog_prefix} {name}')}\b(?:.*\\\n)*.*"
        if lines := re.findall(call, self.epilog or "", re.MULTILINE):
            kwargs.setdefault("epilog", "\n".join(["example:", *lines]))
        return super().add_parser(name, **kwargs)
