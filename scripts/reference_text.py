"""The pages of the reference, as Markdown."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

import griffe
from reference_pages import GROUPS, PAGES, Page
from reference_source import also, entry, is_record, members, ours, places, sections, told_at

__all__ = ["contents", "page_text"]

HEAD = "<!-- Written by scripts/build-reference from the docstrings: edit those. -->\n\n"
WIDTH = 100
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
DOCTEST = re.compile(r"^>>> .*?(?=\n\n(?!>>> )|\Z)", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r"::\n\n((?: {4}.*(?:\n|\Z)|\n)+)")


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
        "[the Python API](../api.md), which also has [the magics](../api.md#magics) `%rtc`, `%undo` and `%redo`.\n\n"
        "| page | names |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )


def of_class(owner: griffe.Class, page: str) -> Iterator[str]:
    """Yield the paragraphs about a class and its members."""
    yield f"## {owner.name}"
    if kinds := list(also(owner)):
        links = (
            linked(f"`{kind.partition('[')[0]}`", page, "").replace(kind.partition("[")[0], kind, 1)
            for kind in kinds
        )
        yield f"Bases: {', '.join(links)}."
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
                    f"Name the group for {home}.{name} and its like in GROUPS of reference_pages.py."
                )
            groups.setdefault(GROUPS[home], {})[name] = member
        else:
            groups.setdefault("", {})[name] = member
    for heading in ["", *dict.fromkeys(GROUPS.values())]:
        if heading in groups and heading:
            yield f"### {heading}"
        for name, member in groups.get(heading, {}).items():
            yield from of_member(member, name, owner.name, page, "####" if heading else "###")
    for other, names in elsewhere.items():
        links = ", ".join(
            f"[`{name}`]({places()[f'{other}.{name}'].removeprefix(f'{page}.md')})" for name in names
        )
        yield f"As [`{other}`]({places()[other].removeprefix(f'{page}.md')}) has: {links}."


def of_member(member: griffe.Object, name: str, owner: str, page: str, level: str) -> Iterator[str]:
    """Yield the paragraphs about a method or a property."""
    yield f"{level} `{owner}.{name}`"
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
                heading = "Attributes" if is_record(told) else "Arguments"
                parts.append(f"**{heading}**\n\n" + "\n".join(rows))
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


def linked(text: str, page: str, owner: str) -> str:
    """Return a text in which each name in single backticks that is documented leads there.

    A name alone is one of *owner*, else a public one, else a method of the first class that has it.
    """
    heard = {full.partition(".")[2]: full for full in reversed(places())}

    def link(found: re.Match[str]) -> str:
        name = found[1]
        place = (
            places().get(f"{owner}.{name}") or places().get(name) or (name in heard and places()[heard[name]])
        )
        return f"[`{name}`]({place.removeprefix(f'{page}.md')})" if place else found[0]

    return re.sub(r"(?<![`\[])`([A-Za-z_][\w.]*)(?:\(\))?`(?![`\]])", link, text)


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
