"""Which rooms are open: once each, renamed with their files, closed when empty."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Doc
from support.conversation import Peer

from rtc_widgets.errors import ChannelClosed
from rtc_widgets.protocol import request
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.roles import Role
from rtc_widgets.rooms.document import RoomDocument
from rtc_widgets.rooms.manager import RoomKey, RoomManager
from rtc_widgets.rooms.room import Room, comm_id
from rtc_widgets.stores.memory import MemoryStore

KEY = RoomKey("a.ipynb", "json", "notebook")


class Shelf:
    """Makes rooms and remembers what became of their files."""

    def __init__(self) -> None:
        self.made: list[Room] = []
        self.closed: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waits = False

    async def make(self, key: RoomKey) -> Room:
        self.waits = True
        await self.gate.wait()
        self.waits = False
        if key.path.startswith("missing"):
            raise ChannelClosed(CloseCode.NOT_FOUND, CloseCode.NOT_FOUND.sentence)
        number = f"room{len(self.made)}"
        content, annotations = (
            RoomDocument(
                comm_id(number, name), name, Doc(), number, MemoryStore(), writable=name == "content"
            )
            for name in ("content", "annotations")
        )
        room = Room(number, key.path, key.format, key.type, content, annotations, _Backing(self, key.path))
        self.made.append(room)
        return room


class _Backing:
    writable = True
    problem = None
    removed = False

    def remove(self) -> None:
        self.removed = True

    def __init__(self, shelf: Shelf, path: str) -> None:
        self.shelf, self.path, self.changes = shelf, path, 0
        self.closing: asyncio.Event | None = None
        self.waits = False

    def changed(self) -> None:
        self.changes += 1

    def trusted_cells(self) -> list[str]:
        return []

    async def save(self) -> dict[str, Any]:
        return {"hash": "abc", "last_modified": "now"}

    async def renamed(self, path: str) -> None:
        self.path = path

    async def aclose(self) -> None:
        if self.closing is not None:
            self.waits = True
            await self.closing.wait()
        self.shelf.closed.append(self.path)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_room_is_made_once_however_many_ask_at_once():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    shelf.gate.clear()
    asking = [asyncio.create_task(manager.open(KEY)) for _ in range(5)]
    await asyncio.sleep(0)
    shelf.gate.set()
    rooms = await asyncio.gather(*asking)
    assert len(shelf.made) == 1 and set(rooms) == {manager.get("a.ipynb")}
    await manager.aclose()


async def test_an_empty_room_closes_and_opens_anew():
    shelf = Shelf()
    manager = RoomManager(shelf.make, close_delay=0.0)
    room = await manager.open(KEY)
    await until(lambda: shelf.closed == ["a.ipynb"])
    assert manager.get("a.ipynb") is None
    assert await manager.open(KEY) is not room
    await manager.aclose()


async def test_its_owner_hears_of_a_room_that_was_made_and_of_one_that_has_closed():
    shelf = Shelf()
    heard: list[Room] = []
    manager = RoomManager(shelf.make, close_delay=0.0, sized=heard.append)
    room = await manager.open(KEY)
    ada = Peer(room.content).join()
    assert await manager.open(KEY) is room
    assert heard == [room], "one that was open already was not made"
    room.content.leave(ada)
    manager.settle(room)
    await until(lambda: heard == [room, room])
    await manager.aclose()


async def test_a_room_stays_open_while_somebody_is_in_it():
    shelf = Shelf()
    manager = RoomManager(shelf.make, close_delay=0.0)
    room = await manager.open(KEY)
    ada = Peer(room.content).join()
    manager.settle(room)
    await asyncio.sleep(0.05)
    assert shelf.closed == []
    room.content.leave(ada)
    manager.settle(room)
    await until(lambda: shelf.closed == ["a.ipynb"])


async def test_one_path_has_one_writer():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    room = await manager.open(KEY)
    ada = Peer(room.content).join()
    with pytest.raises(ChannelClosed, match="open as notebook") as caught:
        await manager.open(RoomKey("a.ipynb", "text", "file"))
    assert caught.value.code == CloseCode.CONFLICT
    room.content.leave(ada)
    text = await manager.open(RoomKey("a.ipynb", "text", "file"))
    assert text.type == "file" and shelf.closed == ["a.ipynb"]
    await manager.aclose()


async def test_a_room_that_cannot_be_made_can_be_asked_for_again():
    manager = RoomManager(Shelf().make)
    for _ in range(2):
        with pytest.raises(ChannelClosed) as caught:
            await manager.open(RoomKey("missing.ipynb", "json", "notebook"))
        assert caught.value.code == CloseCode.NOT_FOUND


async def test_a_renamed_file_keeps_its_room_and_everybody_is_told():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    room = await manager.open(RoomKey("dir/sub/a.ipynb", "json", "notebook"))
    other = await manager.open(RoomKey("directory/b.ipynb", "json", "notebook"))
    ada = Peer(room.content).join()
    await manager.rename("dir", "new")
    assert room.path == "new/sub/a.ipynb" and other.path == "directory/b.ipynb"
    assert [told.params for told in ada.events] == [{"path": "new/sub/a.ipynb"}]
    assert await manager.open(RoomKey("new/sub/a.ipynb", "json", "notebook")) is room
    assert manager.document(room.content.comm_id) == (room, room.content)
    await manager.aclose()


async def test_closing_the_manager_closes_everything_and_lets_nobody_in():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    room = await manager.open(KEY)
    ada = Peer(room.content).join()
    await manager.aclose()
    assert ada.closed is not None and ada.closed[0] == CloseCode.GOING_AWAY
    assert shelf.closed == ["a.ipynb"]
    with pytest.raises(ChannelClosed):
        await manager.open(KEY)


async def test_a_save_is_for_those_who_may_write():
    room = await Shelf().make(KEY)
    ada, eve = Peer(room.content).join(), Peer(room.content, "eve", Role.VIEWER).join()
    for peer in (ada, eve):
        peer.say(request.encode_request(1, "save"))
        peer.say(request.encode_request(2, "later"))
    await until(lambda: len(ada.responses) == len(eve.responses) == 2)
    assert ada.responses[1].result == {"hash": "abc", "last_modified": "now"}
    assert eve.responses[1].result["code"] == CloseCode.READ_ONLY
    assert ada.responses[2].result["code"] == "unknown-method"


async def test_who_takes_back_what_the_kernel_did_is_told_to_all_in_one_order_between_the_changes():
    room = await Shelf().make(KEY)
    ada, ben = Peer(room.content).join(), Peer(room.content, "ben").join()
    eve = Peer(room.content, "eve", Role.VIEWER).join()
    ada.text.insert(0, "x")
    for number, peer in enumerate((ben, eve, ada), 1):
        peer.say(request.encode_request(number, "take-back", {"client": number}))
    ada.say(request.encode_request(4, "take-back", {"client": "me"}))
    await until(lambda: all(peer.responses for peer in (ben, eve)) and len(ada.responses) == 2)
    told = [{"client": 1}, {"client": 3}]
    assert [[event.params for event in peer.events] for peer in (ada, ben, eve)] == [told] * 3
    assert str(ben.text) == "x"
    assert eve.responses[2].result["code"] == CloseCode.READ_ONLY
    assert ada.responses[4].result["code"] == CloseCode.BAD_FRAME


async def test_a_room_that_is_being_opened_moves_with_its_file():
    """Between the reading of the file and the end of the opening somebody renames it."""
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    shelf.gate.clear()
    opening = asyncio.create_task(manager.open(KEY))
    await asyncio.sleep(0)
    renaming = asyncio.create_task(manager.rename("a.ipynb", "b.ipynb"))
    await asyncio.sleep(0)
    shelf.gate.set()
    room = await opening
    await renaming
    assert room.path == "b.ipynb" and manager.get("b.ipynb") is room and manager.get("a.ipynb") is None
    await manager.aclose()


async def test_who_opens_the_new_name_while_a_rename_is_under_way_finds_the_room():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    room = await manager.open(KEY)
    noted = asyncio.Event()
    renaming = asyncio.create_task(manager.rename("a.ipynb", "b.ipynb", noted.wait))
    await asyncio.sleep(0)
    opening = asyncio.create_task(manager.open(RoomKey("b.ipynb", "json", "notebook")))
    await asyncio.sleep(0)
    noted.set()
    await renaming
    assert await opening is room and len(shelf.made) == 1
    await manager.aclose()


async def test_a_room_that_stands_where_a_file_is_renamed_to_is_closed():
    """One file has one writer: its own file was deleted, or it was opened a moment before the rename was told."""
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    room = await manager.open(KEY)
    other = await manager.open(RoomKey("b.ipynb", "json", "notebook"))
    ada, ben = Peer(room.content).join(), Peer(other.content).join()
    await manager.rename("a.ipynb", "b.ipynb")
    assert manager.rooms == [room] and ada.closed is None
    assert shelf.closed == ["b.ipynb"]
    assert ben.closed is not None and ben.closed[0] == CloseCode.GOING_AWAY
    await manager.aclose()


async def test_who_waits_while_a_room_closes_shares_the_new_one_with_who_comes_then():
    shelf = Shelf()
    manager = RoomManager(shelf.make, close_delay=0.0)
    for _ in range(5):
        before = len(shelf.made)
        room = await manager.open(KEY)
        closing = asyncio.Event()
        room.backing.closing = closing
        await until(lambda room=room: room.backing.waits)
        shelf.gate.clear()
        early = [asyncio.create_task(manager.open(KEY)) for _ in range(2)]
        await asyncio.sleep(0)
        closing.set()
        await until(lambda: shelf.waits)
        late = asyncio.create_task(manager.open(KEY))
        await asyncio.sleep(0.01)
        shelf.gate.set()
        rooms = {*await asyncio.gather(*early), await late}
        assert len(rooms) == 1 and len(shelf.made) == before + 2
        await until(lambda: not manager.rooms)


async def test_a_rename_of_a_folder_passes_over_a_room_that_closes_meanwhile():
    shelf = Shelf()
    manager = RoomManager(shelf.make, close_delay=0.0)
    first = await manager.open(RoomKey("dir/a.ipynb", "json", "notebook"))
    second = await manager.open(RoomKey("dir/b.ipynb", "json", "notebook"))
    Peer(second.content).join()
    manager.settle(second)
    closing = asyncio.Event()
    first.backing.closing = closing
    await until(lambda: first.backing.waits)
    renaming = asyncio.create_task(manager.rename("dir", "new"))
    await asyncio.sleep(0)
    closing.set()
    await renaming
    assert manager.rooms == [second] and second.path == "new/b.ipynb"
    await manager.aclose()


async def test_a_room_that_is_opened_while_the_manager_closes_is_closed_too():
    shelf = Shelf()
    manager = RoomManager(shelf.make)
    shelf.gate.clear()
    opening = asyncio.create_task(manager.open(KEY))
    await asyncio.sleep(0)
    closing = asyncio.create_task(manager.aclose())
    await asyncio.sleep(0)
    shelf.gate.set()
    await closing
    with pytest.raises(ChannelClosed):
        await opening
    assert shelf.closed == ["a.ipynb"] and manager.rooms == []


async def test_a_deleted_file_closes_its_room_unless_somebody_is_there():
    shelf = Shelf()
    forgotten: list[str] = []

    async def forget(room: str) -> None:
        forgotten.append(room)

    manager = RoomManager(shelf.make, forget=forget)
    empty = await manager.open(RoomKey("dir/a.ipynb", "json", "notebook"))
    full = await manager.open(RoomKey("dir/b.ipynb", "json", "notebook"))
    other = await manager.open(RoomKey("directory.ipynb", "json", "notebook"))
    ada = Peer(full.content).join()
    kept: list[str] = []

    async def note(rooms: list[str]) -> None:
        kept.extend(rooms)

    await manager.delete("dir", note)
    assert set(manager.rooms) == {full, other}
    assert (kept, forgotten) == ([full.id], [empty.id])
    full.content.leave(ada)
    again = await manager.open(RoomKey("dir/b.ipynb", "json", "notebook"))
    assert again is not full and forgotten == [empty.id, full.id]
    await manager.aclose()
    assert forgotten == [empty.id, full.id], "a server that stops forgets nothing"


TEXT = RoomKey("a.ipynb", "text", "file")


async def with_view(shelf: Shelf) -> tuple[RoomManager, Room, Room]:
    """Return a manager, a notebook's room, and the room of its text, where nobody is yet."""

    async def make_view(room: Room, key: RoomKey) -> Room:
        shelf.made.append(room)  # which it is a view of
        return await shelf.make(key)

    manager = RoomManager(shelf.make, close_delay=0.01, make_view=make_view)
    view = await manager.open(TEXT)
    room = manager.get("a.ipynb")
    assert room is not None and room is not view
    return manager, room, view


async def test_a_view_is_opened_with_its_source_and_once():
    shelf = Shelf()
    manager, room, view = await with_view(shelf)
    assert (room.format, room.type) == ("json", "notebook") and room.views == [view]
    assert await manager.open(TEXT) is view and await manager.open(KEY) is room
    assert manager.document(view.content.comm_id) == (view, view.content)
    assert manager.rooms == [room], "which has the file"
    await manager.aclose()
    assert manager.document(view.content.comm_id) is None


async def test_a_source_stays_open_as_long_as_somebody_is_in_a_view():
    manager, room, view = await with_view(Shelf())
    ada = Peer(view.content).join()
    manager.settle(view)
    await asyncio.sleep(0.05)
    assert manager.rooms == [room] and not room.empty
    view.content.leave(ada)
    manager.settle(view)
    async with asyncio.timeout(10):
        while manager.rooms:
            await asyncio.sleep(0.005)


async def test_a_view_follows_renames_also_to_a_name_that_has_none():
    manager, _, view = await with_view(Shelf())
    ada = Peer(view.content).join()
    await manager.rename("a.ipynb", "a.json")
    assert view.path == "a.json" and [told.name for told in ada.events] == ["renamed"]
    assert await manager.open(RoomKey("a.json", "text", "file")) is view
    await manager.rename("a.json", "b.ipynb")
    assert await manager.open(RoomKey("b.ipynb", "text", "file")) is view
    await manager.aclose()


async def test_a_text_file_that_gets_a_notebook_s_name_stays_one_while_it_is_open():
    manager, *_ = await with_view(Shelf())
    text = await manager.open(RoomKey("b.txt", "text", "file"))
    Peer(text.content).join()
    await manager.rename("b.txt", "b.ipynb")
    assert await manager.open(RoomKey("b.ipynb", "text", "file")) is text
    await manager.aclose()


async def test_as_many_rooms_as_may_be_are_open_and_one_more_is_refused():
    shelf = Shelf()
    manager = RoomManager(shelf.make, most=2)
    rooms = [await manager.open(RoomKey(f"{name}.ipynb", "json", "notebook")) for name in "ab"]
    for room in rooms:
        room.content.join(Peer(room.content, "ada"), [])
        manager.settle(room)
    with pytest.raises(ChannelClosed, match="2 documents open, as many as it may") as refused:
        await manager.open(RoomKey("c.ipynb", "json", "notebook"))
    assert refused.value.code == CloseCode.TOO_MANY
    assert [await manager.open(RoomKey(room.path, "json", "notebook")) for room in rooms] == rooms
    assert shelf.closed == []
    await manager.aclose()


async def test_rooms_that_are_made_at_once_are_counted():
    shelf = Shelf()
    manager = RoomManager(shelf.make, most=2)
    shelf.gate.clear()
    asking = [asyncio.create_task(manager.open(RoomKey(f"{n}.ipynb", "json", "notebook"))) for n in range(3)]
    await until(asking[2].done)
    shelf.gate.set()
    made = await asyncio.gather(*asking, return_exceptions=True)
    assert [isinstance(one, ChannelClosed) for one in made] == [False, False, True]
    await manager.aclose()


async def test_an_empty_room_makes_way():
    shelf = Shelf()
    manager = RoomManager(shelf.make, close_delay=3600.0, most=2)
    first, second = [await manager.open(RoomKey(f"{name}.ipynb", "json", "notebook")) for name in "ab"]
    second.content.join(Peer(second.content, "ada"), [])
    manager.settle(second)
    third = await manager.open(RoomKey("c.ipynb", "json", "notebook"))
    assert shelf.closed == [first.path]
    assert {room.path for room in manager.rooms} == {second.path, third.path}
    await manager.aclose()
