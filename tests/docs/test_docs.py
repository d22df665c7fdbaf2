"""The examples of the documentation run, and give what they say."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

import rtc_widgets.documents
from rtc_widgets.documents.notebook import Notebook

ROOT = Path(__file__).parents[2]
API = ROOT / "docs" / "api.md"
PAGES = (API, ROOT / "README.md")
FENCE = re.compile(r"^```(\w+)?( no-run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, int, str]]:
    """Return page, line number and code of each ```python block that is to be run."""
    return [
        (page.name, text.count("\n", 0, found.start(3)), found[3])
        for page, text in ((page, page.read_text()) for page in PAGES)
        for found in FENCE.finditer(text)
        if found[1] == "python" and not found[2]
    ]


def sample() -> Notebook:
    nb = Notebook.new()
    nb.append("# Title", type="markdown")
    nb.append("x = 1")
    nb.append("print(x)")
    return nb


def run(page: str, line: int, code: str) -> None:
    """Run *code* statement by statement, and compare what ends with ``# → value`` to that value."""
    names: dict[str, Any] = {"nb": sample(), "rtc_widgets": rtc_widgets}
    tree = ast.parse(code)
    ast.increment_lineno(tree, line)
    lines = code.splitlines()
    for statement in tree.body:
        where = f"{page}, line {statement.lineno}"
        _, arrow, promised = lines[(statement.end_lineno or 0) - line - 1].partition("# → ")
        if isinstance(statement, ast.Expr) and arrow:
            value = eval(compile(ast.Expression(statement.value), page, "eval"), names)
            assert repr(value) == promised.strip(), where
        else:
            assert not arrow, f"{where}: only an expression has a value"
            exec(compile(ast.Module([statement], []), page, "exec"), names)


@pytest.mark.parametrize(
    ("page", "line", "code"), [pytest.param(*block, id=f"{block[0]}:{block[1]}") for block in blocks()]
)
def test_an_example_gives_what_it_says(page, line, code):
    run(page, line, code)


def test_an_example_that_says_something_wrong_is_noticed():
    with pytest.raises(AssertionError, match="line 1"):
        run("a page", 0, "len(nb)  # → 4\n")


def test_every_public_name_is_documented():
    text = API.read_text()
    public = set(rtc_widgets.__all__) - {"__version__"}
    assert {name for name in public if f"{name}" not in text} == set()
    for owner in (Notebook, rtc_widgets.documents.cells.Cell):
        names = [name for name in vars(owner) if not name.startswith("_")]
        assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def modules() -> list[str]:
    """Return the modules of the package that have examples; the others need not be imported."""
    package = Path(rtc_widgets.__file__).parent
    found = [path.relative_to(package.parent) for path in package.rglob("*.py") if ">>> " in path.read_text()]
    return sorted(".".join(path.with_suffix("").parts) for path in found)


@pytest.mark.parametrize("name", modules())
def test_the_examples_in_docstrings_give_what_they_say(name):
    failed = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE).failed
    assert failed == 0


def test_the_docstrings_have_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = {name: finder.find(importlib.import_module(name)) for name in modules()}
    assert sum(len(test.examples) for found in tests.values() for test in found) > 20
    assert {"rtc_widgets.client.local", "rtc_widgets.documents.notebook"} <= tests.keys()
