"""The relay of one headless run: a notebook object in this process, and the kernel that executes it.

Two sides write: the kernel writes the live document, and whoever executes (nbclient, its hooks, papermill) writes the
notebook object. They meet when a cell has ended, by a merge of three: what both had when they met last, the object, the
document. Nothing of that happens before the kernel says hello.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import nbformat
from pycrdt import Array, Doc

from rtc_widgets import ids
from rtc_widgets._version import __version__
from rtc_widgets.client.headlessnotes import HeadlessNotes, without_comments
from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.merge import merge_notebook
from rtc_widgets.documents.seed import normalize, own_ids, seed
from rtc_widgets.documents.ycells import read_cells, set_outputs
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.kernel_link import KernelLink
from rtc_widgets.kernel_link.link import NO_OTHERS
from rtc_widgets.origins import Origin
from rtc_widgets.protocol import kernel, sync, version
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.peer import decode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.stores.memory import MemoryStore

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from rtc_widgets.kernel_link import KernelManagerLike
    from rtc_widgets.protocol.request import Request
    from rtc_widgets.rooms.peer import Outgoing, RoomPeer

__all__ = ["HeadlessRelay"]

# How long a cell's last edits may take to arrive after its end, seconds; twice, for an answer may be lost.
PATIENCE = 3.0
_EVERYTHING = sync.step1(b"\0")
_EXECUTOR = Origin("relay", detail="headless")
_ENDED = "The run of this notebook has ended."


class _Peer:
    """Be the kernel in the document."""

    user = "kernel"
    identity: Mapping[str, Any] = MappingProxyType({"kind": "kernel", "display_name": "Kernel"})
    role = Role.EDITOR

    def __init__(self, link: KernelLink, comm_id: str) -> None:
        self._link = link
        self._comm_id = comm_id

    def send(self, outgoing: Outgoing) -> None:
        self._link.send(outgoing.comm_id, outgoing.frames)

    def close(self, code: str, reason: str) -> None:
        self._link.close(self._comm_id, CloseCode(code), reason)


class HeadlessRelay:
    """Give one kernel the notebook object *nb* as a live document; a `LinkHandler`.

    To be made on the event loop that runs while cells do.

    Args:
        nb: the notebook; its cells get ids, in the object too where its format has them (4.5).
        manager: the kernel's manager.
        path: what the kernel is told of where the notebook is.
        log: where what goes wrong is told.

    Raises:
        NotConnected: the kernel cannot be reached from here.
        DocumentError: *nb* cannot be a live document.
    """

    def __init__(
        self,
        nb: NotebookNode,
        manager: KernelManagerLike,
        path: str,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._nb = nb
        self._path = path
        self._log = log
        self._room = ids.new_id()
        first = seed("notebook", without_comments(nb))
        doc: Doc[Any] = Doc()
        doc.apply_update(first.update)
        self._base: dict[str, Any] = first.content
        # All that ever were, so that a cell which comes back is the same object.
        self._nodes: dict[str, NotebookNode] = {}
        for node, cell in zip(nb.cells, first.content["cells"], strict=False):
            self._adopt(node, cell["id"])
        self._document = RoomDocument(f"{self._room}.content", "content", doc, first.lineage, MemoryStore())
        self._document.on_request = self._on_request
        self._notes = HeadlessNotes(nb, self._room, doc)
        self._peer: _Peer | None = None
        self._listener: _Peer | None = None  # in the annotations
        self._met = False
        self._untold = False
        self._asked = self._answered = 0
        self._news = asyncio.Event()
        self._link = KernelLink(manager, self, log=log, opens=self._on_open)

    @property
    def doc(self) -> Doc[Any]:
        """Return the live document."""
        return self._document.doc

    def cell_id(self, node: NotebookNode) -> str | None:
        """Return the id of *node* in the live document."""
        return next((cell_id for cell_id, known in self._nodes.items() if known is node), None)

    def push(self) -> None:
        """Write what has changed in the notebook object into the live document."""
        if self._met:
            self._push()

    def exchange(self) -> set[int]:
        """Make the notebook object and the live document equal.

        Returns:
            The ``id()`` of each node whose outputs were changed by somebody else than who executes.
        """
        if not self._met:
            return set()
        self._push()
        changed = self._pull()
        self._notes.write()
        return changed

    @property
    def untold(self) -> bool:
        """Tell whether the kernel may not have heard yet of what was pushed."""
        return self._untold and self._peer is not None

    async def settle(self) -> None:
        """Wait until all is here that the kernel has written so far, and all is there that was written here.

        A step 1 is the question: it goes behind all that was written here, and its answer leaves the kernel behind
        everything that was written there.
        """
        self._document.flush()
        self._untold = False
        for _ in range(2):
            if self._peer is None:
                return
            self._asked += 1
            self._link.send(self._document.comm_id, [sync.step1(self.doc.get_state())])
            try:
                async with asyncio.timeout(PATIENCE):
                    while self._waiting():
                        self._news.clear()
                        await self._news.wait()
                return
            except TimeoutError:
                continue  # its answer may still come, before the next one's
        self._log.warning("The kernel does not answer; edits that its last cell made may be missing.")

    async def aclose(self) -> None:
        """Say good-bye to the kernel."""
        self._link.bye(CloseCode.NORMAL, _ENDED)
        self._leave()
        await self._link.aclose()
        await self._document.aclose()
        await self._notes.document.aclose()

    # What the kernel says (`LinkHandler`)

    def on_hello(self, link: KernelLink, hello: kernel.Hello) -> None:
        """Welcome the kernel to its notebook."""
        document = self._document
        lineage = hello.lineages.get(document.comm_id)
        if self._peer is not None and lineage and document.comm_id in link.documents:
            return
        self._leave()
        peer = _Peer(link, document.comm_id)
        try:
            chosen = version.choose(
                hello.versions, peer="the kernel", peer_release=hello.release, our_release=__version__
            )
            self._push()
            frames = document.join(peer, [_EVERYTHING], lineage)
        except ChannelClosed as refused:
            link.refuse(CloseCode(refused.code), refused.reason)
            return
        self._peer, self._met = peer, True
        # The frames end with a step 1 of ours.
        self._asked, self._answered = 1, 0
        link.welcome(document.comm_id, self._welcome(document, chosen), frames, primary=True)

    def on_frames(self, link: KernelLink, comm_id: str, seq: int, frames: list[bytes]) -> None:
        """Hand frames to the document."""
        if self._peer is None or comm_id != self._document.comm_id:
            return  # of the annotations a kernel only hears
        self._document.receive(self._peer, frames, seq)
        if self._peer not in self._document.peers:
            self._leave()
        self._answered += sum(isinstance(decode(frame), sync.Step2) for frame in frames)
        self._news.set()

    def on_close(self, link: KernelLink, comm_id: str, code: str, reason: str) -> None:
        """Let the kernel leave, or have its comments no more."""
        if comm_id == self._document.comm_id:
            self._leave()
        else:
            self._listen_no_more()

    def on_bye(self, link: KernelLink, code: str, reason: str) -> None:
        """Let the kernel leave."""
        self._leave()

    def state_vector(self, comm_id: str) -> bytes | None:
        """Return the document's state vector; what asks for it is a step 1 too."""
        if comm_id != self._document.comm_id:
            return None
        # Something got lost: questions or answers that were under way may have gone with it.
        self._asked, self._answered = 1, 0
        return self.doc.get_state()

    def _waiting(self) -> bool:
        return self._peer is not None and self._answered < self._asked

    def _leave(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            self._document.leave(peer)
        self._listen_no_more()
        self._news.set()

    def _listen_no_more(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self._notes.document.leave(listener)

    def _on_open(self, link: KernelLink, opening: kernel.Opening) -> None:
        """Give the kernel the comments on its notebook, and no other file."""
        if opening.document != "annotations":
            link.refuse(CloseCode.NO_DOCUMENT, NO_OTHERS, opening=opening.number)
            return
        self._listen_no_more()
        document = self._notes.document
        peer = _Peer(link, document.comm_id)
        try:
            frames = document.join(peer, [_EVERYTHING], opening.lineage)
        except ChannelClosed as refused:
            link.refuse(CloseCode(refused.code), refused.reason, opening=opening.number)
            return
        self._listener = peer
        welcome = self._welcome(document, max(version.VERSIONS))
        link.welcome(document.comm_id, welcome, frames, primary=False, opening=opening.number)

    def _welcome(self, document: RoomDocument, chosen: int) -> Welcome:
        return Welcome(
            chosen,
            __version__,
            Role.EDITOR,
            document.lineage,
            document.name,
            self._path,
            self._room,
            document.limits,
        )

    async def _on_request(self, peer: RoomPeer, asked: Request) -> Any:
        # What the kernel wrote before it asked is part of what it means.
        self._document.flush()
        answer = await self._notes.ask(peer.user, asked.method, asked.params)
        if answer is not None:
            return answer
        if asked.method != "save":
            raise ChannelClosed("unknown-method", f"This release answers no request {asked.method!r}.")
        # Who runs the notebook writes the file, when the run has ended: there is nothing to do, and nothing wrong.
        return {"hash": None, "last_modified": None}

    # Between the notebook object and the document

    @property
    def _has_ids(self) -> bool:
        return (self._nb.get("nbformat", 4), self._nb.get("nbformat_minor", 5)) >= (4, 5)

    def _adopt(self, node: NotebookNode, cell_id: str) -> None:
        self._nodes[cell_id] = node
        if self._has_ids:
            if node.get("id") != cell_id:
                node["id"] = cell_id
        else:
            node.pop("id", None)

    def _of_object(self) -> dict[str, Any]:
        """Return the notebook object, normalized, with the ids that its cells have in the document."""
        known = {id(node): cell_id for cell_id, node in self._nodes.items()}
        cells = [{**node, "id": known.get(id(node), node.get("id"))} for node in self._nb.cells]
        for cell, own in zip(cells, own_ids({"cells": cells}), strict=True):
            # Somebody else's node under a known id is another version of that cell; without one it is a new cell.
            cell["id"] = own or ids.new_cell_id()
        for node, cell in zip(self._nb.cells, cells, strict=True):
            self._adopt(node, cell["id"])
        content: dict[str, Any] = normalize("notebook", {**without_comments(self._nb), "cells": cells})
        return content

    def _push(self) -> None:
        theirs = self._of_object()
        if theirs == self._base:
            return
        base, self._base = self._base, theirs
        self._untold = True
        live = {cell["id"]: index for index, cell in enumerate(read_cells(self.doc))}
        self._push_outputs(base, theirs, live)
        # What the kernel deleted is gone, though its outputs were written since.
        gone = {cell["id"] for cell in base["cells"]} - live.keys()
        merge_notebook(self.doc, _without(base, gone), _without(theirs, gone), _EXECUTOR)

    def _push_outputs(self, base: dict[str, Any], theirs: dict[str, Any], live: dict[str, int]) -> None:
        """Write what cells have put out: there the executor is right, whatever the document has."""
        ycells: Array[Any] = self.doc.get("cells", type=Array)
        before = {cell["id"]: cell for cell in base["cells"]}
        for cell in theirs["cells"]:
            known = before.get(cell["id"])
            if known is None or cell["cell_type"] != "code" or cell["id"] not in live:
                continue
            if all(cell[key] == known.get(key) for key in ("outputs", "execution_count")):
                continue
            ycell = ycells[live[cell["id"]]]
            if ycell.get("cell_type") != "code":
                continue
            count = cell["execution_count"]
            with self.doc.transaction(origin=Origin("outputs", detail=cell["id"])):
                set_outputs(ycell, cell["outputs"])
                ycell["execution_count"] = None if count is None else float(count)

    def _pull(self) -> set[int]:
        content = content_of(read(self.doc, "notebook"), "notebook", self._base)
        base, self._base = self._base, content
        if content == base:
            return set()
        _update(self._nb.metadata, base["metadata"], content["metadata"])
        before = {cell["id"]: cell for cell in base["cells"]}
        changed = set()
        nodes = []
        for cell in content["cells"]:
            node = self._nodes.get(cell["id"])
            known = before.get(cell["id"])
            if node is None or known is None:
                node = self._nodes.get(cell["id"]) or nbformat.NotebookNode()
                node.clear()
                node.update(nbformat.from_dict(cell))
                self._adopt(node, cell["id"])
            elif cell != known:
                if cell.get("outputs") != known.get("outputs"):
                    changed.add(id(node))
                _update(node["metadata"], known["metadata"], cell["metadata"])
                _update(node, _flat(known), _flat(cell))
            nodes.append(node)
        self._nb.cells[:] = nodes
        return changed


def _without(content: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    """Return *content* without some cells, and as a format with ids, which all cells have here."""
    cells = [cell for cell in content["cells"] if cell["id"] not in gone]
    return {**content, "cells": cells, "nbformat_minor": max(5, content["nbformat_minor"])}


def _flat(cell: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key not in {"id", "metadata"}}


def _update(target: NotebookNode, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Write into *target* what differs: the rest of it stays as it is, to the last line end."""
    for key in before.keys() - after.keys():
        target.pop(key, None)
    for key, value in after.items():
        if key not in before or before[key] != value:
            target[key] = nbformat.from_dict(value)
