"""``fewscape compare``: compare models on the same episodes or the same scenes."""

from __future__ import annotations

import argparse
import itertools
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewscape.cli import compare_scenes, values
from fewscape.cli.episode_options import add_episode_options, add_run_options

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.evaluation import Candidate, Counted

EXAMPLE = """\
fewscape data synthesize --output data/synthetic --scenes 4
fewscape compare --models maximum_likelihood,random_forest,ensemble \\
    --scenes data/synthetic --output comparison
fewscape episodes make --root data --datasets synthetic --output mine.json
fewscape compare --models embedded,mine=runs/mine/best --episodes mine.json --root data \\
    --output comparison"""

FOLD = "{fold}"
"""Placeholder for the fold number in a model folder."""
PANELS_PER_CLASS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--models",
        type=values.names,
        required=True,
        help="models, by name or folder, comma-separated; LABEL=MODEL sets the label in tables "
        "and figures",
    )
    parser.add_argument(
        "--folds",
        help="score each class with the network trained without it: 'aerial4'; write {fold} "
        "for the fold number in the model folders",
    )
    parser.add_argument("--backbone", help="backbone of networks given by name")
    parser.add_argument("--weights", help="weights of that backbone: a file or a hub name")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    episodes = parser.add_argument_group(
        "episodes", "Every model gets the same support and query images."
    )
    add_episode_options(episodes, required=False)
    compare_scenes.add_scene_options(parser.add_argument_group("scenes", compare_scenes.RULE))
    add_run_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare on scenes if --scenes is given, otherwise on episodes."""
    from fewscape.core import ConfigError

    if arguments.scenes is not None:
        return compare_scenes.run(arguments)
    why = "only --scenes draws examples"
    values.refuse(arguments, compare_scenes.SCENE_OPTIONS, "was given without --scenes", why)
    if arguments.episodes is None or arguments.root is None:
        raise ConfigError(
            "neither episodes nor scenes were given",
            "expected --episodes FILE and --root FOLDER, or --scenes FOLDER",
            "see: fewscape compare --help",
        )
    return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    """Count, test, write the files, print the table."""
    import time

    from rich.console import Console

    from fewscape import __version__
    from fewscape.core import Policy
    from fewscape.datasets import Manifest
    from fewscape.evaluation import check_writable, compare_counts, compare_folds, join_counted
    from fewscape.evaluation.comparison_tables import make_comparison_tables

    started = time.perf_counter()
    sources = _name_all(arguments.models, arguments.folds is not None)
    check_writable(arguments.output / "results.json")
    manifest = Manifest.load(arguments.episodes).select(
        arguments.classes, arguments.datasets, arguments.limit
    )
    policy = Policy.choose(arguments.device, arguments.precision)
    parts = _count_parts(arguments, manifest, sources, policy)
    joined = join_counted(list(parts.values()))
    scores = compare_counts(*joined) if arguments.folds is None else compare_folds(parts)
    results = {
        **scores,
        "sources": sources,
        "episodes_sha256": manifest.sha256,
        "seconds": round(time.perf_counter() - started, 3),
        "device": policy.device.type,
        "precision": str(policy.dtype).removeprefix("torch."),
        "version": __version__,
    }
    _write(arguments, results, *joined)
    for table in make_comparison_tables(results):
        Console().print(table)
    print(f"{arguments.output}: results.json, table.md, table.csv, bars.png, panels.png")
    return 0


def _count_parts(
    arguments: argparse.Namespace, manifest: Manifest, sources: dict[str, str], policy: Policy
) -> dict[int, tuple[Manifest, Counted]]:
    """Episodes and counts of each fold; one part without folds."""
    from rich.console import Console
    from rich.progress import Progress

    from fewscape.evaluation import count_episodes
    from fewscape.zoo import check_model

    manifests = _split(manifest, arguments.folds)
    for fold, source in itertools.product(manifests, sources.values()):
        check_model(_insert(fold, source))
    parts: dict[int, tuple[Manifest, Counted]] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for fold, part in manifests.items():
            task = progress.add_task(
                "episodes" if arguments.folds is None else f"fold {fold}", total=len(part)
            )
            counted = count_episodes(
                {name: _load(arguments, _insert(fold, each)) for name, each in sources.items()},
                part,
                arguments.root,
                policy,
                arguments.bands,
                batch_size=arguments.batch_size,
                keep=_choose_panels(part),
                on_progress=partial(_show, progress, task),
            )
            parts[fold] = part, counted
    return parts


def _insert(fold: int, source: str) -> str:
    return source.replace(FOLD, str(fold))


def _show(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _split(manifest: Manifest, folds: str | None) -> dict[int, Manifest]:
    from fewscape.core import ConfigError, suggest
    from fewscape.datasets import CLASS_FOLDS

    if folds is None:
        return {0: manifest}
    if folds not in CLASS_FOLDS:
        raise ConfigError(f"there are no folds '{folds}'", "", suggest(folds, CLASS_FOLDS))
    return CLASS_FOLDS[folds].split(manifest)


def _load(arguments: argparse.Namespace, source: str) -> Candidate:
    from fewscape.evaluation import Candidate
    from fewscape.regions import open_regions
    from fewscape.zoo import MODELS, load

    given = (arguments.backbone, arguments.weights) if source in MODELS else (None, None)
    model = load(source, *given).few_shot
    return Candidate(
        model, open_regions(model.region_method, model.region_options, arguments.regions)
    )


def _name_all(entries: list[str], has_folds: bool) -> dict[str, str]:
    """Map each label to its model.

    Raises:
        ConfigError: a label is used twice, or a folder has ``{fold}`` and ``--folds`` is missing.
    """
    from fewscape.core import ConfigError

    sources: dict[str, str] = {}
    for entry in entries:
        name, source = _name(entry)
        if name in sources:
            raise ConfigError(
                f"--models names '{name}' twice", "", "give each its own label, as in first=FOLDER"
            )
        if FOLD in source and not has_folds:
            raise ConfigError(
                f"'{source}' has a fold placeholder, and no folds were given",
                "",
                "add --folds aerial4",
            )
        sources[name] = source
    return sources


def _name(entry: str) -> tuple[str, str]:
    """Split ``LABEL=MODEL``; a model alone is its own label."""
    name, equals, source = entry.partition("=")
    if equals:
        return name, source
    path = Path(entry)
    is_checkpoint = path.name in ("best", "last")
    return f"{path.parent.name}_{path.name}" if is_checkpoint else path.name, entry


def _choose_panels(manifest: Manifest) -> list[int]:
    """Pick the first episodes of each (data set, class)."""
    seen: dict[tuple[str, int], int] = {}
    chosen = []
    for position, episode in enumerate(manifest):
        seen[episode.key] = seen.get(episode.key, 0) + 1
        if seen[episode.key] <= PANELS_PER_CLASS:
            chosen.append(position)
    return chosen


def _write(
    arguments: argparse.Namespace, results: dict[str, Any], manifest: Manifest, counted: Counted
) -> None:
    from fewscape.core import OutputError, write_bytes
    from fewscape.evaluation import write_results
    from fewscape.evaluation.charts import draw_bars
    from fewscape.evaluation.comparison_tables import write_csv, write_markdown

    try:
        write_bytes(arguments.output / "table.md", write_markdown(results).encode())
        write_bytes(arguments.output / "table.csv", write_csv(results).encode())
        draw_bars(results, arguments.output / "bars.png")
        _draw_panels(arguments, manifest, counted)
    except OSError as error:
        raise OutputError(
            f"'{arguments.output}' cannot be written: {error.strerror}",
            "",
            "free some space or choose another folder",
        ) from error
    write_results(results, arguments.output / "results.json")


def _draw_panels(arguments: argparse.Namespace, manifest: Manifest, counted: Counted) -> None:
    from fewscape.core import write_whole
    from fewscape.datasets import ManifestEpisodes
    from fewscape.datasets.contact_sheet import draw_contact_sheet, outline_mask, to_picture

    episodes = ManifestEpisodes(manifest, arguments.root)
    pairs, more = [], []
    for position, found in sorted(counted.kept.items()):
        episode = episodes[position]
        query = to_picture(episode.query_image[0].numpy())
        pairs.append((manifest.episodes[position], episode))
        more.append(
            {name: outline_mask(query, mask.byte().numpy()) for name, mask in found.items()}
        )
    sheet = draw_contact_sheet(pairs, 2, more)
    with write_whole(arguments.output / "panels.png") as draft:
        sheet.save(draft, format="PNG")
