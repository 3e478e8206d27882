import importlib
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fewscape import __version__
from fewscape.cli import main as command_line
from fewscape.cli.main import COMMANDS, main, make_parser
from fewscape.core import SceneError

WITH_PARSER = [name for name in COMMANDS if name != "fit"]

SEE_IMPORTS = """
import sys
from fewscape.cli.main import COMMANDS, main
for words in {words}:
    try:
        main(words)
    except SystemExit as stop:
        assert not stop.code, stop.code
print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


def imported_by(*calls):
    """Modules that a fresh process holds after these command lines."""
    done = subprocess.run(
        [sys.executable, "-c", SEE_IMPORTS.format(words=list(calls))],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.partition("imported:")[2].split())


def test_help_answers_from_the_shell(record_testsuite_property):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([Path(sys.executable).with_name("fewscape"), "--help"], check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    record_testsuite_property(
        "cpu_seconds_of_help", user + system
    )  # to be read in reports; machines differ
    assert done.returncode == 0


def test_help_imports_neither_torch_nor_a_command():
    modules = imported_by(["--help"], ["--version"], ["no_such_command"])
    ours = {name for name in modules if name.startswith("fewscape")}
    assert ours == {"fewscape", "fewscape.cli", "fewscape.cli.main", "fewscape.cli.parser"}
    assert not modules & {"torch", "numpy", "rasterio", "rich", "lightning"}


def test_the_help_of_commands_does_not_import_torch():
    modules = imported_by(*([name, "--help"] for name in WITH_PARSER))
    assert {f"fewscape.cli.{name}" for name in WITH_PARSER} <= modules
    assert not modules & {"torch", "numpy", "rasterio", "rich", "lightning"}


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_the_overview_names_every_command(capsys, words):
    assert main(words) == 0
    told = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert f"  {name} " in told
        assert summary in told
    assert told.splitlines()[-1].startswith("  fewscape ")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fewscape {__version__}\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("mapz", "did you mean 'map'?"), ("episode", "did you mean 'episodes'?"), ("zz", "expected")],
)
def test_an_unknown_command_names_the_nearest(capsys, name, hint):
    assert main([name]) == 2
    assert capsys.readouterr().err.startswith(f"error: there is no command '{name}'; {hint}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_lines_to_paste(name):
    command = importlib.import_module(f"fewscape.cli.{name}")
    for pasted in command.EXAMPLE.replace("\\\n", " ").splitlines():
        assert pasted.split()[0] == "fewscape"
    assert f"fewscape {name} " in command.EXAMPLE


@pytest.mark.parametrize("name", WITH_PARSER)
def test_examples_are_understood(name):
    command = importlib.import_module(f"fewscape.cli.{name}")
    for pasted in command.EXAMPLE.replace("\\\n", " ").splitlines():
        _, called, *words = shlex.split(pasted)
        make_parser(called, importlib.import_module(f"fewscape.cli.{called}")).parse_args(words)


@pytest.mark.parametrize("name", WITH_PARSER)
def test_every_help_ends_with_its_example(capsys, name):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    example = importlib.import_module(f"fewscape.cli.{name}").EXAMPLE
    last = told.splitlines()[-len(example.splitlines()) :]
    assert last == [f"  {line}" for line in example.splitlines()]


@pytest.fixture
def fake_map(monkeypatch):
    """Replaces what ``fewscape map`` does."""

    def put(run, **more):
        fake = SimpleNamespace(
            EXAMPLE="fewscape map scene.tif", add_arguments=lambda parser: None, run=run, **more
        )
        monkeypatch.setattr(command_line.importlib, "import_module", lambda name: fake)

    return put


def fail_with(error):
    def run(arguments):
        raise error

    return run


def test_a_command_decides_the_exit_code(fake_map):
    fake_map(lambda arguments: 130)
    assert main(["map"]) == 130


def test_mistakes_are_one_sentence_and_exit_code_2(fake_map, capsys):
    fake_map(fail_with(SceneError("'a.tif' is cut short", "a whole file", "copy it again")))
    assert main(["map"]) == 2
    told = capsys.readouterr()
    assert told.err == "error: 'a.tif' is cut short; a whole file; copy it again\n"
    assert told.out == ""


def test_defects_say_so_and_exit_code_1(fake_map, capsys, monkeypatch):
    monkeypatch.delenv("FEWSCAPE_DEBUG", raising=False)
    fake_map(fail_with(KeyError("weight")))
    assert main(["map"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("defect: KeyError: 'weight'\n")
    assert "run again with --debug" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("words", [["map", "--debug"], ["--debug", "map"]])
def test_debug_keeps_the_trace(fake_map, words):
    fake_map(fail_with(KeyError("weight")))
    with pytest.raises(KeyError, match="weight"):
        main(words)


def test_debug_by_environment(fake_map, monkeypatch):
    monkeypatch.setenv("FEWSCAPE_DEBUG", "1")
    fake_map(fail_with(SceneError("cut short")))
    with pytest.raises(SceneError, match="cut short"):
        main(["map"])


def test_an_interruption_is_one_line(fake_map, capsys):
    fake_map(fail_with(KeyboardInterrupt()))
    assert main(["map"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_command_with_its_own_parser_gets_the_words(fake_map):
    got = []
    fake_map(lambda words: got.extend(words) or 0, PASS_THROUGH=True)
    assert main(["map", "--model.lr", "0.1"]) == 0
    assert got == ["--model.lr", "0.1"]


def test_its_help_ends_with_the_example_too(fake_map, capsys):
    fake_map(fail_with(SystemExit(0)), PASS_THROUGH=True)
    with pytest.raises(SystemExit):
        main(["map", "--help"])
    assert capsys.readouterr().out == "\nexample:\n  fewscape map scene.tif\n"


def test_the_package_is_the_command():
    words = [sys.executable, "-m", "fewscape", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fewscape ")
