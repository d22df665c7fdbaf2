"""People, a kernel and outside tools at work on one notebook at random, so that what must come out is known exactly.

Every text that is written is a *token*, a line of its own that nothing else holds. Lines are only ever added, so
merging has no judgement to make. What may become of a cell is in its id:

- ``d-…`` may be deleted, by anybody but the kernel, which does not write there;
- ``m-…`` may be moved, by anybody, and is never written after it was made;
- every other cell stays where it is and gets lines from everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import urllib.error
from pathlib import Path
from typing import Any

from pycrdt import Array, Doc
from support.kernel import Kernel
from support.server import Server
from support.tab import Refused, Tab
from websockets.exceptions import WebSocketException

from rtc_widgets.documents.ycells import new_ycell, read_cells
from rtc_widgets.ids import new_client_id

__all__ = ["Operator", "Outside", "Person", "Runner", "World", "tokens_of"]

TOKEN = re.compile("⟦[a-z0-9-]+⟧")
# What a request or a socket raises while the server is away.
AWAY = (urllib.error.URLError, ConnectionError, TimeoutError, OSError, WebSocketException)

LOOP = """
import os, random, time
print("pid", os.getpid(), flush=True)
%load_ext rtc_widgets
import rtc_widgets
nb = rtc_widgets.notebook()
dice = random.Random({seed})
for number in range({count}):
    token = f"⟦{name}-{{number}}⟧"
    do = dice.random()
    movable = [cell for cell in nb if cell.id.startswith("m-")]
    if do < 0.1 and movable:
        try: dice.choice(movable).move(after=dice.choice([cell for cell in nb if cell.id.startswith("t-")]))
        except rtc_widgets.CellGone: pass
    elif do < 0.2 and len(nb) < 30:
        nb.append(token + "\\n")
    else:
        cell = dice.choice([cell for cell in nb if cell.id[:2] not in ("d-", "m-")])
        with nb.transaction("write"):
            cell.source = token + "\\n" + cell.source
    time.sleep(dice.random() * 0.06)
"""


def tokens_of(cells: list[dict[str, Any]]) -> list[str]:
    """Return all tokens in *cells*, in order."""
    return [token for cell in cells for token in TOKEN.findall("".join(cell["source"]))]


class World:
    """Hold what all actors share: the server, where the file is, and what is known to be written."""

    def __init__(self, server: Server, path: str, seed: int) -> None:
        self.server = server
        self.path = path
        self.seed = seed
        self.over = False
        self.up = True
        self.operations = 0
        self.overwritten = 0
        self.promised: set[str] = set()
        """Tokens that were acknowledged to somebody who then left for good."""
        self.deleted: set[str] = set()
        """The ids of cells that somebody deleted."""
        self.home: dict[str, str] = {}
        """The cells that the tokens were written into."""
        self.diary: list[str] = []
        self._number = 0

    def dice(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}-{name}")

    def token(self, name: str, cell: str) -> str:
        self._number += 1
        token = f"⟦{name}-{self._number}⟧"
        self.home[token] = cell
        self.note(f"{name} writes {token} into {cell}")
        return token

    def cell_id(self, kind: str, name: str) -> str:
        self._number += 1
        return f"{kind}-{name}-{self._number}"

    def note(self, text: str) -> None:
        self.operations += 1
        self.diary.append(f"{asyncio.get_running_loop().time():.3f} {text}")

    def excused(self, token: str) -> bool:
        """Tell whether *token* may be gone, because its cell was deleted."""
        return self.home.get(token) in self.deleted


class Person:
    """Edit in a tab, sometimes offline; *guests* also leave for good and come anew."""

    def __init__(self, world: World, name: str, *, guest: bool = False) -> None:
        self.world = world
        self.name = name
        self.guest = guest
        self.tab: Tab | None = None
        self.lineage: str | None = None
        self.ever: set[str] = set()
        self._dice = world.dice(name)
        self.doc: Doc[Any] = Doc(client_id=new_client_id())

    @property
    def cells(self) -> list[dict[str, Any]]:
        return read_cells(self.doc)

    def __repr__(self) -> str:
        said = f"{self.tab.acknowledged}/{self.tab.written}" if self.tab else "offline"
        cells = "".join(f"\n  {cell['id']}: {cell['source']!r}" for cell in self.cells)
        return f"{self.name} {said} online={self.online} {self.tab and self.tab.closed}{cells}"

    @property
    def online(self) -> bool:
        return self.tab is not None and not self.tab.closed and self.tab.hung_up is None

    async def run(self) -> None:
        while not self.world.over:
            await asyncio.sleep(self._dice.random() * 0.12)
            if not self.online:
                if self._dice.random() < 0.3:
                    await self.connect()
                elif self.lineage is not None:
                    self.edit()
                continue
            chance = self._dice.random()
            if chance < 0.04:
                self.world.note(f"{self.name} goes offline")
                await self.drop()
            elif chance < 0.08:
                await self.save()
            elif chance < 0.11 and self.guest:
                await self.leave()
            else:
                self.edit()
            self.look()

    def look(self) -> None:
        """Note the tokens that are in this replica, which comes back whatever happens."""
        self.ever |= set(tokens_of(self.cells))

    async def connect(self) -> bool:
        """Connect, with the replica if there is one; tell whether that worked."""
        await self.drop()
        tab = Tab(self.world.server, self.world.path, doc=self.doc, lineage=self.lineage)
        try:
            await tab.__aenter__()
        except (*AWAY, Refused, AssertionError) as error:
            await tab.drop()
            if isinstance(error, AssertionError) and self.world.up:
                raise
            return False
        if tab.closed is not None:
            assert tab.closed["code"] == "going-away", tab.closed
        if tab.closed is not None or not tab.synced:
            await tab.drop()
            return False
        assert tab.welcome is not None
        self.tab, self.lineage = tab, tab.welcome.lineage
        self.world.note(f"{self.name} is online in {tab.welcome.room[:6]} at {tab.welcome.path}")
        self.look()
        return True

    async def drop(self) -> None:
        if self.tab is not None:
            tab, self.tab = self.tab, None
            tab.forget()
            await tab.drop()

    async def leave(self) -> None:
        """Close the tab for good, once everything is acknowledged."""
        assert self.tab is not None
        mine = {token for token in tokens_of(self.cells) if token.startswith(f"⟦{self.name}-")}
        await self.tab.until(
            lambda: not self.online or self.tab.acknowledged >= self.tab.written, "all is acknowledged"
        )
        if self.online:
            self.world.promised |= mine
            self.world.note(f"{self.name} leaves")
            await self.drop()
            self.doc, self.lineage, self.ever = Doc(client_id=new_client_id()), None, set()

    async def save(self) -> None:
        assert self.tab is not None
        number = self.tab.ask_to_save()
        self.world.note(f"{self.name} saves")
        await self.tab.until(lambda: not self.online or number in self.tab.responses, "the save is answered")

    def edit(self) -> None:
        """Change something, the way an editor does it: by operations, never by setting a text."""
        cells = self.cells
        ycells: Array[Any] = self.doc.get("cells", type=Array)
        index = self._dice.randrange(len(cells))
        id_ = cells[index]["id"]
        chance = self._dice.random()
        if chance < 0.08 and len(cells) < 30:
            name = self.world.cell_id(self._dice.choice("tddm"), self.name)
            source = self.world.token(self.name, name) + "\n"
            kind = self._dice.choice(["code", "markdown"])
            cell: dict[str, Any] = {"id": name, "cell_type": kind, "source": source, "metadata": {}}
            if kind == "code":
                cell |= {"outputs": [], "execution_count": None}
            ycells.insert(index, new_ycell(cell))
        elif chance < 0.16 and id_.startswith("d-"):
            self.world.note(f"{self.name} deletes {id_}")
            self.world.deleted.add(id_)
            del ycells[index]
        elif chance < 0.24 and id_.startswith("m-"):
            # As JupyterLab does it: a copy under the same id.
            self.world.note(f"{self.name} moves {id_}")
            with self.doc.transaction():
                del ycells[index]
                ycells.insert(self._dice.randrange(len(cells)), new_ycell(cells[index]))
        elif not id_.startswith("m-"):
            text = ycells[index]["source"]
            lines = str(text).split("\n")
            line = self._dice.randrange(len(lines))
            at = len("".join(f"{before}\n" for before in lines[:line]).encode())
            text.insert(at, self.world.token(self.name, id_) + "\n")


class Outside:
    """Rewrite the file on disk as git or jupytext do."""

    def __init__(self, world: World, people: list[Person]) -> None:
        self.world = world
        self._people = people
        self._dice = world.dice("out")

    async def run(self) -> None:
        while not self.world.over:
            await asyncio.sleep(0.3 + self._dice.random() * 0.7)
            await self.edit()

    async def edit(self) -> None:
        """Change the file, unless somebody else writes it at the same moment, and wait until it is merged."""
        file = self.world.server.root / self.world.path
        before = _bytes(file)
        content = _parsed(before)
        if content is None:
            return
        token = self._change(content)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(content))
        if _bytes(file) != before:
            new.unlink()
            self.world.note(f"out gives up {token}")
            self.world.deleted.discard("out")
            return
        new.replace(file)
        if not self.world.up or token is None:
            return
        for _ in range(200):
            if any(token in tokens_of(person.cells) for person in self._people) or not self.world.up:
                return
            if token.encode() not in json.dumps(_parsed(_bytes(file)) or token, ensure_ascii=False).encode():
                # Written over between the relay's last look and its writing. It cannot lock the file.
                self.world.overwritten += 1
                self.world.note(f"{token} was overwritten")
                return
            await asyncio.sleep(0.02)

    def _change(self, content: dict[str, Any]) -> str | None:
        cells = content["cells"]
        chance = self._dice.random()
        index = self._dice.randrange(len(cells))
        cell = cells[index]
        if chance < 0.25 and len(cells) < 30:
            name = self.world.cell_id(self._dice.choice("tdm"), "out")
            token = self.world.token("out", name)
            cells.insert(index, {**_blank(name), "source": [f"{token}\n"]})
            return token
        if chance < 0.45:
            # Far, so that there is no doubt which cell moved.
            far = [
                (old, new)
                for old, one in enumerate(cells)
                for new in range(len(cells))
                if one["id"].startswith("m-") and abs(old - new) >= 4
            ]
            if far:
                old, target = self._dice.choice(far)
                self.world.note(f"out moves {cells[old]['id']}")
                cells.insert(target, cells.pop(old))
            return None
        if cell["id"].startswith("m-"):
            return None
        token = self.world.token("out", cell["id"])
        lines = "".join(cell["source"]).split("\n")
        lines.insert(self._dice.randrange(len(lines)), token)
        cell["source"] = "\n".join(lines).splitlines(keepends=True)
        return token


class Runner:
    """Run a kernel now and then, whose code edits in a loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session: dict[str, Any] | None = None
        self.pids: set[int] = set()
        self.edits = 0
        self._dice = world.dice("kernel")
        self._number = 0

    async def run(self) -> None:
        while not self.world.over:
            await asyncio.sleep(0.2 + self._dice.random())
            if self.world.up:
                await self.edit()

    async def edit(self) -> None:
        self._number += 1
        kernel = Kernel(self.world.server, self.world.path)
        count = self._dice.randrange(10, 60)
        try:
            await kernel.__aenter__()
            self.session = kernel.session
            code = LOOP.format(seed=self._dice.randrange(10**6), count=count, name=f"kernel{self._number}")
            result = await kernel.start(code)
            async with asyncio.timeout(15):
                while self.world.up and not result.done.is_set():
                    await asyncio.sleep(0.02)
                    self.pids |= {int(pid) for pid in re.findall(r"pid (\d+)", result.stdout)}
            if result.error is not None:
                self.world.note(f"kernel: {result.error[-300:]}")
                assert "NotConnected" in result.error, result.error
            elif result.done.is_set():
                self.edits += count
        except AWAY:
            pass
        finally:
            self.session = None
            with contextlib.suppress(*AWAY, AttributeError):
                await kernel.__aexit__()

    def end(self) -> None:
        """End kernels that outlived a killed server."""
        for pid in self.pids:
            with contextlib.suppress(OSError):
                if b"ipykernel" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)


class Operator:
    """Rename the file and restart the server."""

    def __init__(self, world: World, runner: Runner) -> None:
        self.world = world
        self.restarts = 0
        self.renames = 0
        self._runner = runner
        self._dice = world.dice("operator")

    async def run(self) -> None:
        while not self.world.over:
            await asyncio.sleep(0.5 + self._dice.random() * 1.5)
            if self._dice.random() < 0.7:
                await self.rename()
            elif not self.world.over:
                await self.restart(kill=self._dice.random() < 0.6)

    async def rename(self) -> None:
        folder = self._dice.choice(["", "folder/"])
        (self.world.server.root / "folder").mkdir(exist_ok=True)
        old, new = self.world.path, f"{folder}soak-{self._dice.randrange(1000)}.ipynb"
        if old == new:
            return
        self.world.note(f"renames {old} to {new}")
        self.renames += 1
        await asyncio.to_thread(self.world.server.api, f"/api/contents/{old}", "PATCH", {"path": new})
        self.world.path = new
        if self._runner.session is not None:
            with contextlib.suppress(*AWAY):
                url = f"/api/sessions/{self._runner.session['id']}"
                await asyncio.to_thread(self.world.server.api, url, "PATCH", {"path": new})

    async def restart(self, *, kill: bool) -> None:
        self.world.note(f"{'kills' if kill else 'stops'} the server")
        self.restarts += 1
        self.world.up = False
        await asyncio.to_thread(self.world.server.stop, kill)
        self._runner.end()
        await asyncio.sleep(self._dice.random() * 0.5)
        await asyncio.to_thread(self.world.server.start)
        self.world.up = True
        self.world.note("the server is up")


def _blank(name: str) -> dict[str, Any]:
    return {"id": name, "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
