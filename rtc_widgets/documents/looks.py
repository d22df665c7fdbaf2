"""How things look at the end of a cell: HTML for light and dark pages, with and without style sheets.

The markup says everything, and inline styles only help, for little else is left everywhere: JupyterLab takes style
sheets, ``aria-`` attributes and CSS variables out of notebooks that are not trusted, GitHub takes all styles.
Colours are those of the page around, except where both a background and its text are ours. Everything is escaped
and bounded: what is shown stays in the notebook's file.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from rtc_widgets.documents.colors import ink, rgb

__all__ = [
    "MOST",
    "CellLine",
    "Face",
    "Html",
    "Said",
    "Shown",
    "advice",
    "broken",
    "cell",
    "cells",
    "comments",
    "counted",
    "data",
    "escaped",
    "face",
    "file",
    "hit",
    "indented",
    "labels",
    "lines",
    "listed",
    "lost",
    "outputs",
    "people",
    "preview",
    "reach",
    "shortened",
    "steps",
    "table",
    "text",
    "thread",
    "titled",
]

# Rows of a table, lines of a source, and code points of a value, of a line and of a plain repr that are shown.
MOST = 20
_LINES, _LONGEST, _WIDTH, _REPR = 10, 500, 200, 2_000

_LEFT = "text-align:left;vertical-align:top"
_SOFT = "opacity:0.75"
_BREAK = "overflow-wrap:break-word"
# A word longer than this may be broken, behind a sign if there is one. Styles that do so are not left everywhere.
_WORD = 16
_PIECES = re.compile(r"[^-_./\\,;:=()\[\]{}]{1,16}[-_./\\,;:=()\[\]{}]?|.")
# Of two values of one property, the second is for pages that have JupyterLab's variables.
_TYPED = (
    "font-size:90%;font-size:var(--jp-code-font-size,90%);font-family:var(--jp-code-font-family,monospace)"
)
_FRAME = (
    "border:1px solid rgba(128,128,128,0.4);border-color:var(--jp-border-color2,rgba(128,128,128,0.4));"
    "background-color:rgba(128,128,128,0.08);"
    "background-color:var(--jp-cell-editor-background,rgba(128,128,128,0.08))"
)

T = TypeVar("T")


class Html(str):
    """Mark a text as HTML that is not to be escaped again."""

    __slots__ = ()


class Shown(list[T]):
    """Be a list that is drawn at the end of a cell."""

    def __init__(self, items: Iterable[T], draw: Callable[[list[T]], str]) -> None:
        super().__init__(items)
        self._draw = draw

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def _repr_html_(self) -> str:
        return self._draw(self)


class Face(NamedTuple):
    """Hold what is shown of a participant."""

    name: str
    username: str
    color: str | None = None
    kernel: bool = False
    me: bool = False
    where: str = ""
    says: str = ""


class CellLine(NamedTuple):
    """Hold what is shown of a cell among others."""

    place: int
    id: str
    type: str
    source: str
    tags: Sequence[str] = ()
    here: Sequence[Face] = ()
    running: bool = False


class Said(NamedTuple):
    """Hold what is shown of a comment."""

    name: str
    kernel: bool
    when: str
    body: str
    gone: bool = False


# ------------------------------------------------------------------------------------------------------- plain text


def shortened(whole: str, most: int = _REPR) -> str:
    """Return a plain repr, cut where it is very long.

    >>> shortened("'abcdef'", 4)
    "'abc … 4 more characters"
    """
    return whole if len(whole) <= most else f"{whole[:most]} … {len(whole) - most:,} more characters"


def listed(items: Sequence[Any], most: int = MOST) -> str:
    """Return the repr of a list of which only the beginning is looked at.

    >>> listed(range(100), 2)
    '[0, 1, … 98 more]'
    """
    first = ", ".join(map(repr, items[:most]))
    more = len(items) - most
    return shortened(f"[{first}, … {more:,} more]" if more > 0 else f"[{first}]")


def lost(error: LookupError) -> str:
    """Return the repr of what was deleted, by the error that says so."""
    return f"<{str(error.args[0]).rstrip('.')}>" if error.args else "<deleted>"


def escaped(value: str, most: int = _LONGEST) -> Html:
    """Return a text as HTML, cut where it is very long; what is `Html` already stays as it is."""
    if isinstance(value, Html):
        return value
    cut = value if len(value) <= most else value[: most - 1] + "…"
    return Html(html.escape(cut.encode("utf-8", "replace").decode()))  # a lone surrogate cannot be sent


def broken(value: str, most: int = _LONGEST) -> Html:
    """Return a text as HTML, whose long words may be broken, so that a column can be narrow.

    >>> broken("a_name_that_is_far_too_long <b>")
    'a_<wbr>name_<wbr>that_<wbr>is_<wbr>far_<wbr>too_<wbr>long &lt;b&gt;'
    """
    if isinstance(value, Html):
        return value
    cut = _cut(value, most)
    words = (_PIECES.findall(word) if len(word) > _WORD else [word] for word in re.split(r"(\s+)", cut))
    return Html("".join("<wbr>".join(escaped(piece, most) for piece in word) for word in words))


def text(value: str) -> Html:
    """Return a sentence, for what there is not or not any more."""
    return Html(f"<p><em>{escaped(value)}</em></p>")


def titled(name: str, rest: str) -> Html:
    """Return a title, and what is said beside it."""
    return Html(f'<strong>{escaped(name)}</strong> · <span style="{_SOFT}">{escaped(rest)}</span>')


def counted(number: int, what: str) -> str:
    """Return a number of things, in words.

    >>> counted(1, "cell"), counted(2000, "line")
    ('1 cell', '2,000 lines')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def reach(start: int, stop: int) -> str:
    """Return from where to before where something stands, in words."""
    return str(start) if stop - start == 1 else f"{start} to {stop - 1}"


def indented(title: str, level: int) -> Html:
    """Return the title of a section, further in the deeper it is."""
    return Html(f'<span style="padding-left:{1.2 * (level - 1):.1f}em">{escaped(title, 200)}</span>')


# ------------------------------------------------------------------------------------------------------------ tables


def table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, note: str = "", below: str = ""
) -> Html:
    """Return a table, the first column of which names its rows.

    Args:
        title: what stands above it.
        heads: of the columns; none for a table of names and values.
        rows: texts, or `Html`.
        note: a sentence below.
        below: `Html` below that.
    """
    weight = "font-weight:normal;white-space:nowrap" if heads else "font-weight:bold"
    body = "".join(
        f'<tr><th scope="row" style="{_LEFT};{weight}">{broken(first)}</th>'
        + "".join(f'<td style="{_LEFT};{_BREAK}">{broken(value)}</td>' for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    head = "".join(f'<th scope="col" style="{_LEFT}">{escaped(name)}</th>' for name in heads)
    named = (
        html.escape(re.sub(r"<[^>]*>", "", title), quote=True) if isinstance(title, Html) else escaped(title)
    )
    return Html(
        f'<div style="overflow-x:auto"><p style="margin:0 0 0.4em;{_BREAK}">{_title(title)}</p>'
        + (f'<table aria-label="{named}" style="margin:0">' if body else "")
        + (f"<thead><tr>{head}</tr></thead>" if body and head else "")
        + (f"<tbody>{body}</tbody></table>" if body else "")
        + (f'<p style="margin:0.4em 0 0;{_SOFT}">{escaped(note)}</p>' if note else "")
        + f"{below}</div>"
    )


def advice(note: str) -> Html:
    r"""Return what to do as HTML: a paragraph a line, a list where lines begin with a dash, and commands as such.

    Args:
        note: a line that begins with blanks goes on with the one before.

    >>> advice("- Run `%rtc sync`,\n  then look again.").count("<li>")
    1
    """
    parts: list[str] = []
    for line in re.sub(r"\n +", " ", note).splitlines():
        said = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(line.removeprefix("- "), len(line)))
        if not line.startswith("- "):
            parts.append(f'<p style="margin:0.4em 0 0;{_BREAK}">{said}</p>')
            continue
        item = f"<li>{said}</li></ul>"
        if parts and parts[-1].endswith("</ul>"):
            parts[-1] = parts[-1].removesuffix("</ul>") + item
        else:
            parts.append(f'<ul style="margin:0.4em 0 0;padding-left:1.5em;{_BREAK}">{item}')
    return Html("".join(parts))


def cells(title: str, lines: Sequence[CellLine], count: int, *, also: Sequence[Face] = ()) -> Html:
    """Return a table of cells, the first ones of *count*, and who else is here."""
    rows = []
    for line in lines:
        beside = [labels(line.tags) if line.tags else "", _presence(line)]
        source = " · ".join(part for part in (_code(_first(line.source)), *beside) if part)
        place = Html(f'<span title="id {escaped(line.id[:8])}">{line.place}</span>')
        rows.append(
            (place, Html(f'<span style="white-space:nowrap">{escaped(line.type)}</span>'), Html(source))
        )
    more = count - len(lines)
    note = f"… {counted(more, 'more cell')}" if more > 0 else ""
    return table(title, ("Cell", "Type", "Source"), rows, note=note, below=_also(also))


def file(title: str, source: str | None, also: Sequence[Face] = ()) -> Html:
    """Return a file that is no notebook: the beginning of its text, if it is one, and who else is here."""
    head = f'<p style="margin:0 0 0.4em;{_BREAK}">{_title(title)}</p>'
    return Html(f"<div>{head}{'' if source is None else preview(source)}{_also(also)}</div>")


def people(faces: Sequence[Face], title: str = "") -> Html:
    """Return a list of participants."""
    if not faces:
        return text("Nobody is here.")
    items = "".join(f'<li style="margin:0 0 0.3em">{_introduced(one)}</li>' for one in faces[:100])
    more = f"<li>… {len(faces) - 100:,} more</li>" if len(faces) > 100 else ""
    head = f'<p style="margin:0 0 0.4em">{_title(title)}</p>' if title else ""
    return Html(f'<div>{head}<ul style="list-style:none;margin:0;padding:0">{items}{more}</ul></div>')


def face(one: Face) -> Html:
    """Return one participant."""
    return Html(f'<p style="margin:0">{_introduced(one)}</p>')


# -------------------------------------------------------------------------------------------------------- one thing


def cell(line: CellLine, facts: Sequence[str] = ()) -> Html:
    """Return a cell: what it is, who is there, and the beginning of its source."""
    parts = [
        Html(f"<strong>{escaped(line.type)} cell {line.place}</strong>"),
        _code(line.id[:8], _SOFT),
        *([labels(line.tags)] if line.tags else []),
        *([_presence(line)] if line.here or line.running else []),
        *(Html(f'<span style="{_SOFT}">{escaped(fact)}</span>') for fact in facts),
    ]
    return Html(f'<div><p style="margin:0 0 0.4em">{" · ".join(parts)}</p>{preview(line.source)}</div>')


def thread(number: str, state: str, about: str, said: Sequence[Said]) -> Html:
    """Return a thread of comments: what it is about, and who says what."""
    title = Html(
        f'<strong>{escaped(number)}</strong> · {escaped(state)} · <span style="{_SOFT}">{broken(about)}</span>'
    )
    return Html(f'<div><p style="margin:0 0 0.4em;{_BREAK}">{title}</p>{comments(said)}</div>')


def comments(said: Sequence[Said]) -> Html:
    """Return comments, one below the other; their Markdown as it was typed."""
    items = "".join(
        f'<li style="margin:0 0 0.5em;padding:0 0 0 0.6em;border-left:2px solid">{_avatar(_speaker(one))} '
        f'<strong><bdi>{broken(one.name, 60)}</bdi></strong> <span style="{_SOFT}">{escaped(one.when)}</span>'
        f'<div style="white-space:pre-wrap;{_BREAK}{";" + _SOFT if one.gone else ""}">{_words(one)}</div></li>'
        for one in said[:MOST]
    )
    more = len(said) - MOST
    rest = f"<li>… {counted(more, 'more comment')}</li>" if more > 0 else ""
    return Html(f'<ul style="list-style:none;margin:0;padding:0">{items}{rest}</ul>')


def preview(source: str) -> Html:
    """Return the first lines of a source, and how many more there are."""
    all_lines = source.splitlines()
    shown = "\n".join(_cut(line) for line in all_lines[:_LINES])
    more = len(all_lines) - _LINES
    lines_ = [f"… {counted(more, 'more line')}"] if more > 0 else []
    size = [f"{len(source):,} characters in all"] if len(source) > _WIDTH * _LINES else []
    rest = ", ".join([*lines_, *size])
    below = f'<p style="margin:0.2em 0 0;{_SOFT}">{rest}</p>' if rest else ""
    if not source.strip():
        return Html(f'<p style="margin:0;{_SOFT}"><em>empty</em></p>')
    style = f"margin:0;padding:0.4em 0.6em;{_FRAME};border-radius:2px;white-space:pre-wrap;{_BREAK};{_TYPED}"
    return Html(f'<pre style="{style}">{escaped(shown, len(shown))}</pre>{below}')


def labels(tags: Iterable[str]) -> Html:
    """Return tags as small labels."""
    tags = list(tags)
    style = "display:inline-block;border-radius:1em;padding:0 0.6em;font-size:90%;white-space:nowrap"
    shown = [f'<code style="{style}">{escaped(tag, 24)}</code>' for tag in tags[:MOST]]
    return Html(" ".join([*shown, *([f"… {len(tags) - MOST:,} more"] if len(tags) > MOST else [])]))


def hit(line: str, start: int, stop: int) -> Html:
    """Return a line of a source with what was found in it marked."""
    first = max(0, start - 40)
    last = min(len(line), max(start, min(stop, start + 80)) + 40)
    stop = min(stop, last)
    before = ("…" if first else "") + line[first:start].lstrip() if first else line[:start].lstrip()
    after = line[stop:last] + ("…" if last < len(line) else "")
    return _code(Html(f"{broken(before)}<mark>{broken(line[start:stop])}</mark>{broken(after)}"))


def data(title: str, value: Any) -> Html:
    """Return plain data, as metadata are: keys and values, and what is deeper as JSON."""
    pairs = list(value.items()) if isinstance(value, Mapping) else list(enumerate(value))
    rows = [(str(key), _code(_json(item))) for key, item in pairs[:MOST]]
    more = len(pairs) - MOST
    note = f"… {more:,} more" if more > 0 else "" if rows else "empty"
    return table(title, (), rows, note=note)


def lines(values: Sequence[str]) -> Html:
    """Return lines of a source, with their numbers from 0."""
    rows = [(str(place), _code(_cut(line))) for place, line in enumerate(values[:MOST])]
    more = len(values) - MOST
    note = f"… {counted(more, 'more line')}" if more > 0 else ""
    return table(titled("Lines", f"{len(values):,}"), (), rows, note=note)


def steps(title: str, labels_: Sequence[str]) -> Html:
    """Return steps that can be undone or done again, the next one first."""
    newest = list(labels_)[::-1][:MOST]
    rows = [("next" if place == 0 else str(place + 1), label) for place, label in enumerate(newest)]
    more = len(labels_) - MOST
    note = f"… {counted(more, 'more step')}" if more > 0 else ""
    return table(titled(title, counted(len(labels_), "step")), (), rows, note=note)


def outputs(title: str, values: Sequence[Mapping[str, Any]]) -> Html:
    """Return what outputs there are, and the beginning of each: what they show is seen in their cell."""
    rows = [
        (str(place), str(value.get("output_type", "")), _content(value))
        for place, value in enumerate(values[:MOST])
    ]
    more = len(values) - MOST
    note = f"… {more:,} more" if more > 0 else "" if rows else "none"
    return table(title, ("Output", "Type", "Content"), rows, note=note)


# --------------------------------------------------------------------------------------------------------- privates


def _also(faces: Sequence[Face]) -> str:
    return f'<div style="margin:0.8em 0 0">{people(faces, "Also here")}</div>' if faces else ""


def _title(title: str) -> str:
    return title if isinstance(title, Html) else f"<strong>{escaped(title)}</strong>"


def _code(value: str, style: str = "") -> Html:
    plain = "background-color:transparent;padding:0" + (f";{style}" if style else "")
    return Html(f'<code style="{plain}">{broken(value)}</code>') if value else Html("")


def _first(source: str, width: int = 80) -> str:
    line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return _cut(line, width)


def _json(value: Any) -> str:
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _cut(value: str, width: int = _WIDTH) -> str:
    return value if len(value) <= width else value[: width - 1] + "…"


def _said(output: Mapping[str, Any]) -> str:
    """Return what an output says in words."""
    if output.get("output_type") == "error":
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    found = output.get("text")
    bundle = output.get("data")
    if found is None and isinstance(bundle, Mapping):
        found = bundle.get("text/plain")
    return "".join(map(str, found)) if isinstance(found, list) else found if isinstance(found, str) else ""


def _content(output: Mapping[str, Any]) -> Html:
    """Return the beginning of what an output says, and in which forms it says it."""
    bundle = output.get("data")
    if isinstance(bundle, Mapping):
        kinds = ", ".join(map(str, list(bundle)[:MOST]))
    else:
        kinds = str(output.get("name", "")) if output.get("output_type") == "stream" else ""
    soft = f'<span style="{_SOFT}">{broken(kinds)}</span>' if kinds else ""
    return Html(" · ".join(part for part in (_code(_first(_said(output))), soft) if part))


def _presence(line: CellLine) -> Html:
    running = ['<strong style="white-space:nowrap">▶ running</strong>'] if line.running else []
    shown = [f"{_avatar(one)}&nbsp;{_name(one)}" for one in line.here[:5]]
    more = [f"… {len(line.here) - 5:,} more"] if len(line.here) > 5 else []
    here = [f"here: {', '.join([*shown, *more])}"] if shown else []
    return Html(" · ".join([*running, *here]))


def _words(one: Said) -> str:
    body = escaped(one.body, 2_000)
    return f"<em>{body}</em>" if one.gone else body


def _speaker(one: Said) -> Face:
    return Face(one.name, one.name, kernel=one.kernel)


def _introduced(one: Face) -> Html:
    name, username = one.name.casefold(), one.username.casefold()
    user = f' <span style="{_SOFT}">{escaped(one.username, 20)}</span>' if username != name else ""
    kind = "kernel" if one.kernel and "kernel" not in name else ""
    facts = [fact for fact in (kind, "me" if one.me else "", one.where, one.says) if fact]
    told = "".join(f" · {escaped(fact, 200)}" for fact in facts)
    return Html(f"{_avatar(one)} <strong>{_name(one)}</strong>{user}{told}")


def _name(one: Face) -> str:
    return f"<bdi>{broken(one.name, 60)}</bdi>"


def _avatar(one: Face) -> str:
    words = re.findall(r"[^\W_]+", one.name) or ["?"]
    initials = "".join(word[0] for word in words[:2]).upper()
    red, green, blue = rgb(one.color)
    style = (
        "display:inline-block;min-width:2em;line-height:2em;text-align:center;font-size:75%;"
        f"font-weight:600;border-radius:{'4px' if one.kernel else '1.2em'};"
        f"background-color:#{red:02x}{green:02x}{blue:02x};color:{ink(red, green, blue)}"
    )
    return (
        f'<span aria-hidden="true" title="{escaped(one.name, 60)}" style="{style}">{escaped(initials)}</span>'
    )
