"""Comments as data, and as files for people who do not have the notebook open."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widgets.documents.threads import local_time

if TYPE_CHECKING:
    from rtc_widgets.documents.thread import Thread

__all__ = ["export", "rows", "to_frame"]

_NO_PANDAS = (
    "to_frame() needs pandas: pip install pandas. Without it, to_dicts() gives the same as plain data."
)
_COLUMNS = (
    *("number", "state", "cell", "cell_id", "quote", "anchored", "reply", "author", "user", "kind"),
    "claimed",
    *("at", "edited", "body", "mentions", "thread", "comment"),
)
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1em/1.5 system-ui, sans-serif; max-width: 45em; margin: 2em auto; padding: 0 1em }}
blockquote {{ margin: 0; padding: 0 1em; border-left: 3px solid gray; white-space: pre-wrap; font-family: monospace }}
.body {{ white-space: pre-wrap }}
.resolved {{ opacity: 0.7 }}
</style>
<h1>{title}</h1>
{threads}
</html>
"""


def rows(threads: Sequence[Thread]) -> list[dict[str, Any]]:
    """Return one dict for each comment."""
    found = []
    for thread in threads:
        cell = thread.cell
        about = {
            "number": thread.number,
            "state": thread.state,
            "cell": None if cell is None else cell.index,
            "cell_id": None if cell is None else cell.id,
            "quote": thread.quote,
            "anchored": thread.anchored,
        }
        for place, comment in enumerate(thread._left()):  # noqa: SLF001 (each property would look again)
            words = {
                "reply": place,
                "author": comment.by.name,
                "user": comment.by.user,
                "kind": comment.by.kind,
                "claimed": comment.by.claimed,
                "at": local_time(comment.at),
                "edited": None if comment.edited is None else local_time(comment.edited),
                "body": comment.body,
                "mentions": list(comment.mentions),
                "thread": thread.id,
                "comment": comment.id,
            }
            found.append(about | words)
    return found


def to_frame(threads: Sequence[Thread]) -> Any:
    """Return the comments as a ``pandas.DataFrame``; its times are in UTC, because a column has one time zone."""
    try:
        pandas = import_module("pandas")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_NO_PANDAS, name="pandas") from error
    frame = pandas.DataFrame(rows(threads), columns=_COLUMNS)
    for times in ("at", "edited"):
        frame[times] = pandas.to_datetime(frame[times], utc=True)
    return frame


def export(threads: Sequence[Thread], title: str, path: Path) -> Path:
    """Write the threads, in the form that the path's end names."""
    if Path(title).is_absolute():
        title = Path(title).name  # where it is on a machine is nobody's business
    writers = {".md": _markdown, ".html": _html, ".json": _json}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"Comments are exported to {', '.join(writers)}, and {path.name!r} ends otherwise.")
    path.write_text(writer(threads, title), encoding="utf-8")
    return path


def _markdown(threads: Sequence[Thread], title: str) -> str:
    parts = [f"# Comments on {title}"]
    for thread in threads:
        parts.append(f"## {_head(thread)}")
        if thread.quote:
            fence = "`" * max(3, _longest_run(thread.quote) + 1)
            parts.append(f"{fence}\n{thread.quote}\n{fence}")
        parts += [
            f"**{comment.author}**, {comment.at:%Y-%m-%d %H:%M}:\n\n{_quoted(comment.body)}"
            for comment in thread.comments
        ]
    return "\n\n".join(parts) + "\n" if threads else f"{parts[0]}\n\nThere are none.\n"


def _html(threads: Sequence[Thread], title: str) -> str:
    sections = []
    for thread in threads:
        quote = f"<blockquote>{html.escape(thread.quote)}</blockquote>" if thread.quote else ""
        said = "".join(
            f"<p><strong>{html.escape(str(one.author))}</strong>, {one.at:%Y-%m-%d %H:%M}</p>"
            f'<div class="body">{html.escape(one.body)}</div>'
            for one in thread.comments
        )
        sections.append(
            f'<section class="{thread.state}"><h2>{html.escape(_head(thread))}</h2>{quote}{said}</section>'
        )
    name = html.escape(f"Comments on {title}")
    return _PAGE.format(title=name, threads="\n".join(sections) or "<p>There are none.</p>")


def _json(threads: Sequence[Thread], title: str) -> str:
    found = [
        {key: value.isoformat() if key in {"at", "edited"} and value else value for key, value in row.items()}
        for row in rows(threads)
    ]
    return json.dumps({"document": title, "comments": found}, indent=1, ensure_ascii=False) + "\n"


def _head(thread: Thread) -> str:
    cell = thread.cell
    where = "" if cell is None else f", cell {cell.index}"
    if thread.anchored == "orphan":
        where = ", about what is gone"
    return f"#{thread.number}{where} ({thread.state})"


def _quoted(body: str) -> str:
    """Return Markdown that stays within itself: a heading or an open fence in a comment is the comment's own."""
    return "\n".join(f"> {line}".rstrip() for line in body.splitlines())


def _longest_run(text: str) -> int:
    longest = run = 0
    for sign in text:
        run = run + 1 if sign == "`" else 0
        longest = max(longest, run)
    return longest
