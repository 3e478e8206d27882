"""Imports go down: a room may use the rooms of lower floors, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fewscape.cli.main import COMMANDS

SOURCE = Path(__file__).resolve().parents[1] / "src" / "fewscape"

FLOORS = {
    "core": 0,
    "ops": 1,
    "raster": 1,
    "synthetic": 2,
    "layers": 2,
    "losses": 2,
    "metrics": 2,
    "regions": 2,
    "backbones": 3,
    "datasets": 3,
    "models": 4,
    "mapping": 5,
    "evaluation": 6,
    "training": 7,
    "benchmark": 8,
    "export": 8,
    "zoo": 9,
    "request": 10,
    "api": 11,
    "demo": 11,
    "testing": 11,
    "serve": 12,
    "cli": 13,
    "__main__": 14,
}
"""Subpackages and modules of the package; each imports only from lower floors."""

LIGHT = {"fewscape", "fewscape.cli", "fewscape.request"}
"""Packages of ours that a command may import before it is run."""

HEAVY = {
    "jsonargparse",
    "lightning",
    "matplotlib",
    "pyogrio",
    "rasterio",
    "scipy",
    "shapely",
    "skimage",
    "timm",
    "torch",
    "torchmetrics",
    "torchvision",
    "transformers",
}
"""Packages of others that take long to import."""


class Import(NamedTuple):
    """One imported module, and where."""

    line: int
    module: str


def find_imports(tree: ast.AST, package: str) -> Iterator[Import]:
    """Every module named by an import below a node, also inside functions.

    ``from fewscape import zoo`` names ``fewscape.zoo``. Relative imports are resolved against
    ``package``.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*parts, module]).rstrip(".")
            if module == "fewscape":
                yield from (Import(node.lineno, f"fewscape.{alias.name}") for alias in node.names)
            else:
                yield Import(node.lineno, module)


def find_violations(source: Path) -> list[str]:
    """One sentence for every import that does not go down."""
    found = []
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(source)
        package = ".".join(["fewscape", *place.parts[:-1]])
        room = place.parts[0].removesuffix(".py")
        if room == "__init__":
            room = "fewscape"
        tree = ast.parse(path.read_text())
        if room == "fewscape":  # what only type checkers import costs nothing
            tree = ast.Module(list(find_early_imports(tree)), [])  # type: ignore[arg-type]
        for line, module in find_imports(tree, package):
            top, _, rest = module.partition(".")
            target = rest.partition(".")[0]
            if top == "fewscape" and (complaint := judge(room, target)):
                found.append(f"{place}:{line} imports {module}: {complaint}")
    return found


def judge(room: str, target: str) -> str:
    """What is wrong with an import from one room into another, or nothing."""
    if target == room or target.startswith("__"):  # such as fewscape.__version__
        return ""
    if room == "fewscape":
        return "the package itself imports nothing, so that importing it stays cheap"
    for name in (room, target):
        if name not in FLOORS:
            return f"'{name}' is no room of the table FLOORS"
    if FLOORS[target] < FLOORS[room]:
        return ""
    way = "sideways" if FLOORS[target] == FLOORS[room] else "up"
    return (
        f"from {room} (floor {FLOORS[room]}) {way} to {target} (floor {FLOORS[target]}); "
        "pass it in as an argument, or move what both need to a lower floor"
    )


def test_imports_go_down():
    violations = find_violations(SOURCE)
    assert not violations, "\n" + "\n".join(violations)


def test_every_room_has_a_floor():
    rooms = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or is_room(path)}
    assert rooms - {"__init__"} <= set(FLOORS)


def is_room(path: Path) -> bool:
    return (path / "__init__.py").is_file()


@pytest.mark.parametrize(
    ("room", "line", "complaint"),
    [
        ("ops", "from fewscape.models import MGCL", r"from ops \(floor 1\) up to models"),
        ("ops", "def f():\n    from fewscape import zoo", r"x\.py:2 imports fewscape\.zoo: .* up"),
        ("models", "import fewscape.cli.main", r"from models \(floor 4\) up to cli"),
        ("mapping", "from fewscape.evaluation import evaluate", "up to evaluation"),
        ("losses", "from ..regions import slic", "sideways to regions"),
        ("attic", "from fewscape.core import Window", "'attic' is no room of the table"),
        ("cli", "from fewscape import utils", "'utils' is no room of the table"),
    ],
)
def test_a_wrong_import_is_found(tmp_path, room, line, complaint):
    (tmp_path / room).mkdir()
    (tmp_path / room / "x.py").write_text(line)
    (message,) = find_violations(tmp_path)
    with pytest.raises(ValueError, match=complaint):
        raise ValueError(message)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("training", "from fewscape.evaluation import evaluate"),
        ("ops", "from fewscape.core.errors import ShapeError\nimport torch"),
        ("ops", "from . import pooling\nfrom .pooling import pool_masked"),
        ("cli", "from fewscape import __version__, zoo"),
        ("zoo.py", "from fewscape.models import MGCL"),
    ],
)
def test_a_right_import_is_not(tmp_path, room, line):
    path = tmp_path / room if room.endswith(".py") else tmp_path / room / "x.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(line)
    assert find_violations(tmp_path) == []


def test_the_package_itself_imports_nothing(tmp_path):
    (tmp_path / "__init__.py").write_text("from fewscape.core import Episode")
    (message,) = find_violations(tmp_path)
    assert "stays cheap" in message


def find_heavy_imports(path: Path) -> list[str]:
    """What a file of the command line imports that takes long, before anything is called."""
    heavy = []
    for node in find_early_imports(ast.parse(path.read_text())):
        for line, module in find_imports(node, "fewscape.cli"):
            ours = ".".join(module.split(".")[:2])
            is_ours = ours.startswith("fewscape.") and not module.startswith("fewscape.__")
            if module.split(".")[0] in HEAVY or (is_ours and ours not in LIGHT):
                heavy.append(f"{path.name}:{line} imports {module}; import it where it is used")
    return heavy


def find_early_imports(node: ast.AST) -> Iterator[ast.AST]:
    """Imports outside functions and outside ``if TYPE_CHECKING``, also in ``try`` and ``if``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from find_early_imports(child)


@pytest.mark.parametrize("name", ["__init__", "main", "parser", *COMMANDS])
def test_commands_import_heavy_packages_where_they_use_them(name):
    heavy = find_heavy_imports(SOURCE / "cli" / f"{name}.py")
    assert not heavy, "\n" + "\n".join(heavy)


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import json, torch\nfrom . import parser", ["torch"]),
        ("from fewscape.core import Window", ["fewscape.core"]),
        ("from fewscape import __version__", []),
        ("try:\n    import rasterio.windows\nexcept ImportError:\n    pass", ["rasterio.windows"]),
        ("class A:\n    import timm", ["timm"]),
        ("if TYPE_CHECKING:\n    import torch", []),
        ("if typing.TYPE_CHECKING:\n    from fewscape.mapping import Examples", []),
        ("def run(arguments):\n    import torch", []),
    ],
)
def test_heavy_imports_are_found_where_they_run(tmp_path, text, modules):
    path = tmp_path / "map.py"
    path.write_text(text)
    found = find_heavy_imports(path)
    assert len(found) == len(modules)
    for message, module in zip(found, modules, strict=True):
        assert f"imports {module}; import it where it is used" in message
