"""How a room comes to be: from its log where there is one, else seeded from the file, exactly once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents.manager import ContentsManager
from jupyter_server.utils import ensure_async
from pycrdt import Doc
from tornado.web import HTTPError

from rtc_widgets.documents.seed import seed
from rtc_widgets.errors import ChannelClosed, UnknownDocumentType
from rtc_widgets.ids import new_client_id, new_id
from rtc_widgets.origins import Origin
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.registry import document_class
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.manager import RoomKey
from rtc_widgets.rooms.room import Room, comm_id
from rtc_widgets.stores.entry import Entry, Store

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import RelaySettings

__all__ = ["RoomMaker"]


class _Backing:
    """PROVISIONAL: saves after a pause."""

    def __init__(self, contents, key, ydoc, doc, settings):
        self.contents, self.path, self.key, self.ydoc, self.doc, self.settings = (
            contents,
            key.path,
            key,
            ydoc,
            doc,
            settings,
        )
        self.writable = True
        self.timer = None
        self.tasks = set()
        self.base = None

    def changed(self):
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(self.settings.save_delay, self._go)

    def _go(self):
        t = asyncio.ensure_future(self.save())
        self.tasks.add(t)
        t.add_done_callback(self.tasks.discard)

    async def save(self):
        source = self.ydoc.get()
        if source != self.base:
            self.base = source
            await ensure_async(
                self.contents.save(
                    {
                        "type": "notebook" if self.key.type == "notebook" else "file",
                        "format": self.key.format,
                        "content": source,
                    },
                    self.path,
                )
            )
            m = await ensure_async(self.contents.get(self.path, content=False, require_hash=True))
            with self.doc.transaction(origin=Origin("relay")):
                self.ydoc.hash = m["hash"]
                self.ydoc.dirty = False
        else:
            m = await ensure_async(self.contents.get(self.path, content=False, require_hash=True))
            if self.ydoc.dirty:
                with self.doc.transaction(origin=Origin("relay")):
                    self.ydoc.dirty = False
        return {"hash": m["hash"], "last_modified": str(m["last_modified"])}

    async def renamed(self, path):
        self.path = path
        with self.doc.transaction(origin=Origin("relay")):
            self.ydoc.path = path

    async def aclose(self):
        if self.timer:
            self.timer.cancel()
        await self.save()


class RoomMaker:
    """Make rooms from files."""

    def __init__(self, contents: ContentsManager, store: Store, index: Any, settings: RelaySettings) -> None:
        self._contents = contents
        self._store = store
        self._settings = settings

    async def make(self, key: RoomKey) -> Room:
        """Return the room of *key*."""
        try:
            document_class(key.type)
        except UnknownDocumentType as error:
            raise ChannelClosed(CloseCode.UNKNOWN_TYPE, str(error)) from error
        try:
            model = await ensure_async(
                self._contents.get(
                    key.path,
                    type="notebook" if key.type == "notebook" else "file",
                    format=key.format if key.type != "notebook" else None,
                    content=True,
                )
            )
        except HTTPError as error:
            code = CloseCode.NOT_FOUND if error.status_code == 404 else CloseCode.UNREADABLE
            raise ChannelClosed(code, code.sentence) from error
        id_ = new_id()
        content: Doc[Any] = Doc(client_id=new_client_id())
        seeded = seed(key.type, model["content"])
        await self._store.append(
            comm_id(id_, "content"), [Entry(seeded.update, None, time.time(), "seed", seeded.lineage)]
        )
        content.apply_update(seeded.update)
        ydoc = document_class(key.type)(content)
        backing = _Backing(self._contents, key, ydoc, content, self._settings)
        backing.base = ydoc.get()
        limits = self._settings.limits
        documents = RoomDocument(
            comm_id(id_, "content"), "content", content, seeded.lineage, self._store, limits=limits
        )
        notes = RoomDocument(
            comm_id(id_, "annotations"), "annotations", Doc(), id_, self._store, writable=False, limits=limits
        )
        return Room(id_, key.path, key.format, key.type, documents, notes, backing)
