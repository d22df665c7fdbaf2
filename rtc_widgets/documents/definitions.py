"""Which names a cell's code defines, by its syntax tree; magics and shell lines are looked through."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

__all__ = ["defined"]

# Cell magics whose body is Python that runs here.
_PYTHON_MAGICS = frozenset({"capture", "prun", "time"})
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*\n?")
# A line that is none of Python's: a magic, a shell line, or one that asks for help.
_LINE_MAGIC = re.compile(r"^([ \t]*)(?:[%!?].*|[\w.*]+\?\??[ \t]*)$", re.MULTILINE)
_ASSIGNED_MAGIC = re.compile(r"^([ \t]*[\w.\[\], \t]+=[ \t]*)[%!].*$", re.MULTILINE)


def defined(source: str) -> set[str]:
    r"""Return the names that *source*, run as a cell, gives a value to in the notebook's namespace.

    By assignment of any kind, ``import``, ``def``, ``class``, ``for``, ``with``, ``match``, ``:=``; not by what
    happens within functions and classes, nor by changing what a name stands for (``df["x"] = 1``). Code that cannot
    be parsed defines nothing.

    >>> sorted(defined("import os.path\n%time df = 1\nfor i, x in []: pass\nfiles = !ls"))
    ['files', 'i', 'os', 'x']
    """
    tree = _parse(source)
    return set() if tree is None else set(_bound(tree))


def _parse(source: str) -> ast.Module | None:
    magic = _CELL_MAGIC.match(source)
    if magic is not None:
        if magic[1] not in _PYTHON_MAGICS:
            return None
        source = source[magic.end() :]
    found = _compiled(source)
    if found is None:
        plain = _ASSIGNED_MAGIC.sub(r"\1None", _LINE_MAGIC.sub(r"\1pass", source))
        found = _compiled(plain)
    return found


def _compiled(source: str) -> ast.Module | None:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of others' code: of invalid escapes, for example
        try:
            tree: ast.Module = compile(source, "<cell>", "exec", flags, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return tree


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that *node* binds in the scope that it stands in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            yield from _walruses(node)
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Import() | ast.ImportFrom():
            names = (alias.asname or alias.name.partition(".")[0] for alias in node.names)
            yield from (name for name in names if name != "*")
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case _:
            pass
    for child in _outside(node):
        yield from _bound(child)


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children of *node* that are run in the scope that it stands in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (*node.decorator_list, *node.args.defaults)
            yield from (one for one in node.args.kw_defaults if one is not None)
        case ast.ClassDef():
            yield from (*node.decorator_list, *node.bases)
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return
        case ast.AnnAssign(value=None):
            return
        case _:
            yield from ast.iter_child_nodes(node)


def _walruses(node: ast.AST) -> Iterator[str]:
    """Yield what ``:=`` in a comprehension binds, which is in the scope around it."""
    for child in ast.walk(node):
        if isinstance(child, ast.NamedExpr):
            yield child.target.id
