"""What the documentation points to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = {"node_modules", "dist", "lib", "site-packages"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, str]:
    """Return the text of every Markdown file, and of the Markdown cells of the examples."""
    found = {}
    for path in sorted(ROOT.rglob("*.md")):
        name = path.relative_to(ROOT)
        if not any(part in SKIPPED or part.startswith(".") for part in name.parts):
            found[str(name)] = FENCE.sub("", path.read_text())
    for path in sorted((ROOT / "examples").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        found[str(path.relative_to(ROOT))] = "\n".join(sources)
    return found


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives to the headings of *text*."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", pages())
def test_relative_links_resolve(name):
    text = pages()[name]
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (ROOT / name).parent / path if path else ROOT / name
        if not page.exists() or (anchor and anchor not in anchors(FENCE.sub("", page.read_text()))):
            broken.append(target)
    assert broken == []


def test_there_is_something_to_check():
    assert {"README.md", "docs/protocol.md", "examples/tour.ipynb"} <= pages().keys()
