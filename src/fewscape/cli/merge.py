"""``fewscape merge``: the shares of a job array become maps."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "fewscape merge maps"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", type=Path, help="folder that was given to 'fewscape map'")


def run(arguments: argparse.Namespace) -> int:
    """Write every map whose parts are all there, tell what the others lack.

    Raises:
        ResultsError: the folder holds no parts, or those of some map are missing.
    """
    from fewscape.cli.map_report import tell_result
    from fewscape.cli.map_warnings import warn_of_map
    from fewscape.core import ResultsError
    from fewscape.mapping import Journal, assemble

    journals = Journal.find(arguments.output)
    if not journals:
        raise ResultsError(
            f"'{arguments.output}' holds no parts of maps",
            "expected the --output of 'fewscape map --shard ...'",
            "check the folder; a map that is finished needs no merge",
        )
    lacking = []
    for journal in journals:
        if missing := journal.missing():
            lacking.append(
                f"{len(missing)} of {journal.plan.num_sections} parts of '{journal.plan.stem}' "
                f"(from part {missing[0] + 1})"
            )
            continue
        plan, result = journal.plan, assemble(journal, arguments.output)
        tell_result(plan.scene_name, result)
        warn_of_map(plan, result)
    if lacking:
        raise ResultsError(
            f"{'; '.join(lacking)} are missing",
            "",
            "run the shares again that did not finish; they make only what is missing",
        )
    return 0
