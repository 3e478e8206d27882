"""The public names, so that none appears or disappears unnoticed.

After an intended change, update the list::

    .venv/bin/python -m tests.test_public_names
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import fewscape

LIST = Path(__file__).with_name("public_names.txt")
REMEDY = "if intended, run: .venv/bin/python -m tests.test_public_names"


def find_packages() -> Iterator[str]:
    """The package and its subpackages with public names."""
    yield "fewscape"
    for module in pkgutil.walk_packages(fewscape.__path__, "fewscape."):
        is_top = module.name.count(".") == 1
        if module.name == "fewscape.__main__":
            continue
        if (module.ispkg or is_top) and not is_mere_group(module.name):
            yield module.name


def is_mere_group(name: str) -> bool:
    """Whether a package contains only a docstring."""
    spec = importlib.util.find_spec(name)
    body = ast.parse(Path(spec.origin).read_text()).body
    return len(body) == 1 and ast.get_docstring(ast.Module(body, [])) is not None


def find_names() -> list[str]:
    """Every public name with its package, sorted."""
    names = []
    for package in find_packages():
        module = importlib.import_module(package)
        names += [f"{package}.{name}" for name in getattr(module, "__all__", ())]
    return sorted(names)


def test_the_list_of_public_names_is_current():
    listed, found = set(LIST.read_text().split()), set(find_names())
    gone, new = sorted(listed - found), sorted(found - listed)
    assert not gone, f"public names are gone: {', '.join(gone)}; {REMEDY}"
    assert not new, f"public names are not listed: {', '.join(new)}; {REMEDY}"


@pytest.mark.parametrize("package", find_packages())
def test_public_names_exist_once(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None)
    assert names is not None, f"{package} has no __all__"
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(set(names)) == len(names)


if __name__ == "__main__":
    LIST.write_text("\n".join(find_names()) + "\n")
