"""Write docs/reference from the docstrings, which griffe reads without importing them.

With --check nothing is written: what is out of date is named, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from reference_pages import GROUPS, OURS, PAGES, Page

try:
    import griffe
except ImportError:
    sys.exit("griffe, which reads the docstrings, is not installed: pip install -e '.[dev]'")

ROOT = Path(__file__).parents[1]
CURE = "Run ./scripts/build-reference and commit what it writes."
HEAD = "<!-- Written by scripts/build-reference from the docstrings: edit those. -->\n\n"
WIDTH = 100
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
DOCTEST = re.compile(r"^>>> .*?(?=\n\n(?!>>> )|\Z)", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r"::\n\n((?: {4}.*(?:\n|\Z)|\n)+)")


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


def classes(told: griffe.Object) -> Iterator[str]:
    """Yield the classes of ours that a method or a property gives, by their annotation."""
    given = told.returns if isinstance(told, griffe.Function) else getattr(told, "annotation", None)
    for name in given.iterate(flat=True) if isinstance(given, griffe.Expr) else ():
        if isinstance(name, griffe.ExprName) and name.canonical_path.startswith("rtc_widgets."):
            found = entry(name.canonical_path.removeprefix("rtc_widgets."))
            if isinstance(found, griffe.Class):
                yield found.name


# ------------------------------------------------------------------------------------------------------------ text


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


def linked(text: str, page: str, owner: str) -> str:
    """Return a text in which each name in single backticks that is documented leads there."""

    def link(found: re.Match[str]) -> str:
        name = found[1]
        place = places().get(f"{owner}.{name}") or places().get(name)
        return found[0] if place is None else f"[`{name}`]({place.removeprefix(f'{page}.md')})"

    return re.sub(r"(?<![`\[])`([A-Za-z_][\w.]*)(?:\(\))?`(?![`\]])", link, text)


def prose(text: str, page: str, owner: str) -> str:
    """Return the running text of a docstring as Markdown, its examples in fences."""
    text = DOCTEST.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```", text)
    text = LITERAL.sub(lambda found: f":\n\n{fenced(textwrap.dedent(found[1]).strip())}\n\n", text)
    parts = FENCE.split(text.strip())  # every other one is code
    return "".join(
        part if place % 2 else linked(part, page, owner) for place, part in enumerate(parts)
    ).strip()


def fenced(code: str) -> str:
    """Return code in a fence, as Python where it is that, else as a command."""
    try:
        ast.parse(code)
    except SyntaxError:
        return f"```sh\n{code}\n```"
    return f"```python\n{code}\n```"


def item(text: str, page: str, owner: str) -> str:
    """Return the text of one argument or exception on one line."""
    return linked(" ".join(text.split()), page, owner)


def docstring(told: griffe.Object, page: str, owner: str) -> list[str]:
    """Return the paragraphs of a docstring."""
    kinds = griffe.DocstringSectionKind
    parts = []
    for section in sections(told):
        value = section.value
        match section.kind:
            case kinds.text:
                parts.append(prose(value, page, owner))
            case kinds.parameters:
                rows = [f"- `{row.name}`: {item(row.description, page, owner)}" for row in value]
                parts.append("**Arguments**\n\n" + "\n".join(rows))
            case kinds.raises:
                rows = [
                    f"- {linked(f'`{row.annotation}`', page, owner)}: {item(row.description, page, owner)}"
                    for row in value
                ]
                parts.append("**Raises**\n\n" + "\n".join(rows))
            case kinds.returns | kinds.yields:
                parts.append("**Returns** " + " ".join(item(row.description, page, owner) for row in value))
            case other:
                raise SystemExit(
                    f"{told.path}: the reference has no form for a section of the kind {other.value}."
                )
    return parts


def signature(function: griffe.Function, name: str) -> str:
    """Return a signature as code, on one line where it fits, and what the words in it stand for."""
    pieces = [argument(parameter) for parameter in shown(function)]
    end = "" if function.returns is None else f" -> {function.returns}"
    start = "async " if "async" in function.labels else ""
    line = f"{start}{name}({', '.join(pieces)}){end}"
    if len(line) > WIDTH:
        line = f"{start}{name}(\n    " + ",\n    ".join(pieces) + f",\n){end}"
    return "\n\n".join([f"```python\n{line}\n```", *aliases(function)])


def shown(function: griffe.Function) -> Iterator[griffe.Parameter | str]:
    """Yield the parameters that a caller gives, and the marks between them."""
    kinds = griffe.ParameterKind
    parameters = [item for item in function.parameters if item.name not in {"self", "cls"}]
    positional = [item for item in parameters if item.kind is kinds.positional_only]
    yield from positional
    if positional:
        yield "/"
    marked = False
    for item in parameters[len(positional) :]:
        marked = marked or item.kind is kinds.var_positional
        if item.kind is kinds.keyword_only and not marked:
            marked = True
            yield "*"
        yield item


def argument(parameter: griffe.Parameter | str) -> str:
    """Return one parameter as code; a constant is given by its value."""
    if isinstance(parameter, str):
        return parameter
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    text = stars.get(parameter.kind, "") + parameter.name
    if parameter.annotation is not None:
        text += f": {parameter.annotation}"
    if parameter.default is None or text.startswith("*"):
        return text
    constant = ours(parameter.default)
    default = str(parameter.default if constant is None else constant.value)
    default = re.sub(r"^'([^'\"]*)'$", r'"\1"', default)
    return f"{text} = {default}" if parameter.annotation is not None else f"{text}={default}"


def aliases(function: griffe.Function) -> Iterator[str]:
    """Yield what each name of ours for a type says that stands in a signature."""
    told = {}
    for parameter in function.parameters:
        names = (
            parameter.annotation.iterate(flat=True) if isinstance(parameter.annotation, griffe.Expr) else ()
        )
        for name in names:
            found = ours(name)
            if (
                found is not None
                and found.is_attribute
                and found.value is not None
                and "TypeVar" not in str(found.value)
            ):
                told[found.name] = str(found.value).replace("'", '"')
    if told:
        yield "\n".join(f"`{name}` is `{value}`." for name, value in told.items())


def ours(name: object) -> griffe.Attribute | None:
    """Return the constant of this package that a name in a signature stands for."""
    if not isinstance(name, griffe.ExprName) or not name.canonical_path.startswith("rtc_widgets."):
        return None
    try:
        found = entry(name.canonical_path.removeprefix("rtc_widgets."))
    except KeyError:
        return None
    return found if isinstance(found, griffe.Attribute) else None


# ------------------------------------------------------------------------------------------------------------ pages


def of_class(owner: griffe.Class, page: str) -> Iterator[str]:
    """Yield the paragraphs about a class and its members."""
    yield f"## {owner.name}"
    if kinds := list(also(owner)):
        yield linked("Bases: " + ", ".join(f"`{kind}`" for kind in kinds) + ".", page, "")
    yield from docstring(owner, page, owner.name)
    groups: dict[str, dict[str, griffe.Object]] = {}
    elsewhere: dict[str, list[str]] = {}
    for name, member in members(owner).items():
        home = member.parent.name if member.parent is not None else owner.name
        other = told_at(member, owner)
        if other is not None:
            elsewhere.setdefault(other, []).append(name)
        elif owner.name == "Notebook":
            if home not in GROUPS:
                raise SystemExit(
                    f"Name the group for {home}.{name} and its like in GROUPS of {Path(__file__).name}."
                )
            groups.setdefault(GROUPS[home], {})[name] = member
        else:
            groups.setdefault("", {})[name] = member
    for heading in ["", *dict.fromkeys(GROUPS.values())]:
        if heading in groups and heading:
            yield f"### {heading}"
        for name, member in groups.get(heading, {}).items():
            yield from of_member(member, name, owner.name, page)
    for other, names in elsewhere.items():
        links = ", ".join(
            f"[`{name}`]({places()[f'{other}.{name}'].removeprefix(f'{page}.md')})" for name in names
        )
        yield f"As [`{other}`]({places()[other].removeprefix(f'{page}.md')}) has: {links}."


def told_at(member: griffe.Object, owner: griffe.Class) -> str | None:
    """Return the class that the reference tells an inherited member of: the first that has it."""
    for page in PAGES:
        for path in page.entries:
            told = entry(path)
            if isinstance(told, griffe.Class) and any(other is member for other in members(told).values()):
                return None if told is owner else told.name
    return None


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


def of_member(member: griffe.Object, name: str, owner: str, page: str) -> Iterator[str]:
    """Yield the paragraphs about a method or a property."""
    yield f"#### `{owner}.{name}`"
    if isinstance(member, griffe.Function):
        yield signature(member, name)
    else:
        assert isinstance(member, griffe.Attribute)
        value = (
            f" = {member.value}" if "Enum" in " ".join(map(str, member.parent.bases)) and member.value else ""
        )
        annotation = "" if member.annotation is None else f": {member.annotation}"
        yield f"`{name}{annotation}{value}`" + (" (can be set)" if "writable" in member.labels else "")
    yield from docstring(member, page, owner)


def page_text(page: Page) -> str:
    """Return one page."""
    parts = [f"# {page.title}", linked(page.about, page.name, "")]
    for path in page.entries:
        told = entry(path)
        if isinstance(told, griffe.Class):
            parts += of_class(told, page.name)
        else:
            assert isinstance(told, griffe.Function)
            parts += [f"## {told.name}", signature(told, f"rtc_widgets.{told.name}")]
            parts += docstring(told, page.name, "")
    return HEAD + "\n\n".join(parts) + "\n"


def contents() -> str:
    """Return the page that leads to the others."""
    rows = []
    for page in PAGES:
        names = [entry(path).name for path in page.entries]
        links = ", ".join(f"[`{name}`]({places()[name]})" for name in names)
        rows.append(f"| [{page.title}]({page.name}.md) | {links} |")
    return (
        HEAD + "# Reference\n\n"
        "Every public name, as its docstring tells it. For a guide, with examples in an order to read them in, see\n"
        "[the Python API](../api.md).\n\n"
        "| page | names |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )


def reference() -> dict[str, str]:
    """Return the text of every page of the reference by the name of its file."""
    return {"README.md": contents()} | {f"{page.name}.md": page_text(page) for page in PAGES}


def out_of_date(folder: Path) -> list[str]:
    """Return the pages whose file is not as the docstrings have it, is missing, or is left over."""
    wanted = reference()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted | there if wanted.get(name) != there.get(name))


def main() -> int:
    """Write the reference, or check it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "reference")
    parser.add_argument("--check", action="store_true", help="write nothing; name what is out of date")
    options = parser.parse_args()
    if wanting := faults():
        print(*wanting, sep="\n")
        return 1
    if options.check:
        if stale := out_of_date(options.folder):
            print(f"docs/reference is out of date: {', '.join(stale)}. {CURE}")
        return bool(stale)
    options.folder.mkdir(exist_ok=True)
    for path in options.folder.glob("*.md"):
        path.unlink()
    for name, text in reference().items():
        (options.folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
