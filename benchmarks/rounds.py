"""Opening, editing and closing notebooks again and again: what a server keeps of them.

A server runs for weeks: what it keeps of each notebook that was open once, it runs out of in the end.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pycrdt import Array, Doc

from benchmarks.client import Client
from benchmarks.contenders import COLLABORATION, LIVE, Server, available, start
from benchmarks.opening import heavy, write
from benchmarks.runner import Rounds, Size, Topic, Unit, Ways
from rtc_widgets.protocol import sync

TOPIC = Topic("Opened, edited and closed 200 times", (LIVE, COLLABORATION))

_NAMES = "abcdef"  # in turn, so that each has closed before it is opened again
_DELAY = {LIVE: "RelayApp.close_delay", COLLABORATION: "YDocExtension.document_cleanup_delay"}
_TYPED = "# typed\n"
_METRICS: dict[str, Unit] = {
    "memory each time": "bytes",
    "descriptors more at the end": "count",
    "threads more at the end": "count",
}


class _Stock(Client):
    """A y-websocket provider, as our server serves it."""

    async def open(self) -> None:
        assert self.doc is not None
        await self._open_bare(f"/api/rtc_widgets/yjs/{quote(self.path)}", sync.step1(self.doc.get_state()))
        await self._synced


async def _round(client: Client) -> None:
    """Open a notebook, type a line at the beginning of its first cell, and leave."""
    assert client.doc is not None
    await client.open()
    before = client.doc.get_state()
    client.doc.get("cells", type=Array)[0]["source"].insert(0, _TYPED)
    client.update(client.doc.get_update(before))
    await asyncio.sleep(0.03)
    client.close()
    await asyncio.sleep(0.03)


async def _rounds(name: str, kind: type[Client], rounds: int) -> dict[str, float]:
    """Do it again and again; tell what there is more of at the end than when the server was warm."""
    notebook = heavy(1 if rounds >= 50 else 0.1)
    with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder, ExitStack() as stack:
        write(folder, dict.fromkeys(_NAMES, notebook))
        server = start(name, Path(folder), [f"--{_DELAY[name]}=0.2"])
        stack.callback(server.stop)
        warm = rounds // 4
        before = (0, 0, 0)
        for number in range(rounds):
            await _round(kind(server, f"{_NAMES[number % len(_NAMES)]}.ipynb", Doc()))
            if number == warm:
                before = await _settled(server)
        after = await _settled(server)
        memory, descriptors, threads = (max(0, b - a) for a, b in zip(before, after, strict=True))
        if name == LIVE:
            # The peer saves later than rooms close here; by its defaults it is the other way round.
            typed = sum(_typed(server.root / f"{file}.ipynb") for file in _NAMES)
            assert typed == rounds, f"{rounds - typed} of {rounds} edits are not in the file"
        return dict(zip(_METRICS, (memory / (rounds - warm - 1), descriptors, threads), strict=True))


async def _settled(server: Server) -> tuple[int, int, int]:
    """Return bytes, descriptors and threads once the last notebook has closed and was saved."""
    await asyncio.sleep(2)
    return server.rss(), server.descriptors(), server.threads()


def _typed(path: Path) -> int:
    source: Any = json.loads(path.read_text())["cells"][0]["source"]
    return "".join(source).count(_TYPED)


def _of(kinds: dict[str, type[Client]]) -> Rounds:
    def rounds(size: Size) -> Iterator[Ways]:
        yield {
            way: lambda way=way, kind=kind: asyncio.run(_rounds(way, kind, size.opens))  # type: ignore[misc]
            for way, kind in kinds.items()
            if available(way)
        }

    return rounds


TOPIC.case("1 MB, by a tab", most=1, metrics=_METRICS)(_of({LIVE: Client, COLLABORATION: Client}))
TOPIC.case("1 MB, by a stock Yjs client", most=1, metrics=_METRICS)(_of({LIVE: _Stock}))
