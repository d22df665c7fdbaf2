"""What the reference tells of, read from the sources by griffe, which imports nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from reference_pages import OURS, PAGES

try:
    import griffe
except ImportError:
    sys.exit("griffe, which reads the docstrings, is not installed: pip install -e '.[dev]'")

__all__ = ["ROOT", "also", "entry", "faults", "is_record", "members", "ours", "places", "sections", "told_at"]

ROOT = Path(__file__).parents[1]


@cache
def package() -> griffe.Module:
    """Return the whole package, read from its sources."""
    loaded = griffe.load("rtc_widgets", search_paths=[ROOT], docstring_parser="google", resolve_aliases=True)
    assert isinstance(loaded, griffe.Module)
    return loaded


def entry(path: str) -> griffe.Object:
    """Return what *path*, below the package, names."""
    found = package()[path]
    return found.final_target if isinstance(found, griffe.Alias) else found


def members(owner: griffe.Class) -> dict[str, griffe.Object]:
    """Return the public members of a class, inherited ones included, as they stand in the source."""
    found = {}
    family = [owner, *(parent for parent in owner.mro() if isinstance(parent, griffe.Class))]
    for parent in family:
        for name, member in parent.members.items():
            target = member.final_target if isinstance(member, griffe.Alias) else member
            special = name.startswith("__") and target.docstring is not None
            if (
                name in found
                or name in OURS[""] | OURS.get(owner.name, set())
                or (name.startswith("_") and not special)
                or name.startswith("test_")  # the questions of an exam
            ):
                continue
            bare = (
                target.labels == {"instance-attribute"} and target.docstring is None
            )  # set in __init__, for us
            if (target.is_attribute or target.is_function) and not bare:
                found[name] = target
    told = set(arguments(owner))
    return {name: member for name, member in found.items() if name not in told or member.docstring}


def arguments(owner: griffe.Class) -> Iterator[str]:
    """Yield the names that the docstring of a class tells of itself: its arguments, which are its attributes."""
    for section in sections(owner):
        if section.kind is griffe.DocstringSectionKind.parameters:
            yield from (item.name for item in section.value)


def sections(told: griffe.Object) -> list[griffe.DocstringSection]:
    """Return the parts of a docstring."""
    return [] if told.docstring is None else told.docstring.parse("google", warnings=False)


def classes(told: griffe.Object) -> Iterator[str]:
    """Yield the classes of ours that a method or a property gives, by their annotation."""
    given = told.returns if isinstance(told, griffe.Function) else getattr(told, "annotation", None)
    for name in given.iterate(flat=True) if isinstance(given, griffe.Expr) else ():
        if isinstance(name, griffe.ExprName) and name.canonical_path.startswith("rtc_widgets."):
            found = entry(name.canonical_path.removeprefix("rtc_widgets."))
            if isinstance(found, griffe.Class):
                yield found.name


def ours(name: object) -> griffe.Attribute | None:
    """Return the constant of this package that a name in a signature stands for."""
    if not isinstance(name, griffe.ExprName) or not name.canonical_path.startswith("rtc_widgets."):
        return None
    try:
        found = entry(name.canonical_path.removeprefix("rtc_widgets."))
    except KeyError:
        return None
    return found if isinstance(found, griffe.Attribute) else None


def is_record(told: griffe.Object) -> bool:
    """Tell whether what a class takes is what its instances have."""
    bases = [str(base) for base in told.bases] if isinstance(told, griffe.Class) else []
    return "dataclass" in told.labels or any(base.endswith("Error") for base in bases)


def also(owner: griffe.Class) -> Iterator[str]:
    """Yield what a class is besides, as far as that says something: a mapping, a sequence, an exception."""
    family = [owner, *(parent for parent in owner.mro() if isinstance(parent, griffe.Class))]
    passed_over = {parent.name for parent in family if parent.name not in places()}
    said = {"ABC", "Exception", "Generic", "Protocol", owner.name} | passed_over
    for parent in family:
        if parent is not owner and parent.name in places():
            continue
        for base in map(str, parent.bases):
            name = base.partition("[")[0]
            if name not in said and not name.startswith("_"):
                said.add(name)
                yield base


def told_at(member: griffe.Object, owner: griffe.Class) -> str | None:
    """Return the class that the reference tells an inherited member of: the first that has it."""
    for page in PAGES:
        for path in page.entries:
            told = entry(path)
            if isinstance(told, griffe.Class) and any(other is member for other in members(told).values()):
                return None if told is owner else told.name
    return None


def anchor(heading: str) -> str:
    """Return the name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def places() -> dict[str, str]:
    """Return where each name is documented: ``Cell`` and ``Cell.source``, each as ``page.md#anchor``."""
    found = {}
    for page in PAGES:
        for path in page.entries:
            told = entry(path)
            names = [told.name]
            if isinstance(told, griffe.Class):
                names += [f"{told.name}.{name}" for name in members(told)]
            found |= {name: f"{page.name}.md#{anchor(name)}" for name in names}
    return found


def faults() -> list[str]:
    """Return one line for each public name whose docstring has no summary, and each class that is on no page."""
    wanting = []
    homeless: dict[str, str] = {}
    for page in PAGES:
        for path in page.entries:
            found = entry(path)
            named = {found.name: found}
            if isinstance(found, griffe.Class):
                named |= {f"{found.name}.{name}": member for name, member in members(found).items()}
            for name, told in named.items():
                if told.docstring is None or not told.docstring.value.strip():
                    wanting.append(
                        f"{name} needs a docstring with a summary ({told.filepath}, line {told.lineno})"
                    )
                homeless |= {given: name for given in classes(told) if given not in places()}
    wanting += [
        f"{given}, which {name} gives, is on no page: name it in PAGES" for given, name in homeless.items()
    ]
    return wanting
