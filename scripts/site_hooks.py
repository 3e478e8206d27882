"""MkDocs hooks: generated pages, notebooks, formulas and links to the source code.

Neither the build nor the pages need the network: formulas become MathML, which browsers render.
"""

from __future__ import annotations

import html
import os
import re
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))  # MkDocs loads this file by its path

from mkdocs.exceptions import PluginError  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402

from scripts.command_pages import write_commands  # noqa: E402
from scripts.notebook_pages import write_notebook  # noqa: E402
from scripts.recipe_keys import write_recipe_keys  # noqa: E402

LINK = re.compile(r"(\]\()(\.\.?/[^)#\s]+)(#[^)\s]*)?(\))")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages and the notebooks."""
    made: dict[str, str | bytes] = {
        "reference/commands.md": write_commands(),
        "reference/recipe_keys.md": write_recipe_keys(HOME / "src"),
    }
    for path in sorted(Path(config.docs_dir, "notebooks").glob("*.ipynb")):
        notebook = write_notebook(path)
        made[f"notebooks/{path.stem}.md"] = notebook.markdown
        made |= {f"notebooks/{name}": data for name, data in notebook.pictures.items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            files.remove(file)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to files outside the documentation to the repository.

    Raises:
        PluginError: there is no such file.
    """
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def lead(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / match[2]))
        if target.is_relative_to(config.docs_dir):
            return match[0]
        if not target.exists():
            raise PluginError(f"{page.file.src_uri} links to '{match[2]}', which does not exist")
        place = config.extra["repository"] + target.relative_to(HOME).as_posix()
        return f"{match[1]}{place}{match[3] or ''}{match[4]}"

    return LINK.sub(lead, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Convert formulas to MathML."""
    from latex2mathml.converter import convert

    def draw(match: re.Match[str]) -> str:
        display = "block" if match[2] == "[" else "inline"
        return str(convert(html.unescape(match[3]), display=display))

    return FORMULA.sub(draw, content)
