"""Carry one document's frames over channels that lose messages: numbers, merging, gaps, lost tails.

Sans-I/O: the time comes in with each call, messages go out, `due` says when to call again. A kernel and its
link each have one `Sender` and one `Receiver` for a document. docs/protocol.md, section 8.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pycrdt import merge_updates

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import awareness, parts, peer, status, sync

__all__ = ["Message", "Receiver", "Sender"]

# Section 8: the first frame leaves at once, further ones this much later (seconds), coalesced.
PAUSE = 0.02
# "head, which a sender emits 50 ms after a burst of frames". The head itself may be lost with the burst: say
# it once more.
SETTLE = 0.05
SETTLE_AGAIN = 1.0
# "alone at most once in 200 ms".
STATUS = 0.2
# An answer to a resync may be lost too: ask again, ever more slowly.
ASK_AGAIN = 1.0
ASK_SLOWEST = 8.0
# Merging costs more than linearly: 74 µs for 100 updates, over a second for 20,000.
MERGE = 100
# Messages a pause, for frames that go in many parts: with `PAUSE` it holds a sender below 200 messages a
# second, for JupyterLab's server mutes a kernel's iopub above 1,000.
BURST = 4
_COALESCED = tuple(bytes([type_]) for type_ in (sync.TYPE, awareness.TYPE, status.TYPE))
_CHANGES = (bytes([sync.TYPE]), bytes([parts.TYPE]))
_STEP1 = sync.step1(b"")[:2]


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what one ``frame`` or ``head`` message carries."""

    kind: Literal["frame", "head"]
    seq: int
    buffers: list[bytes] = field(default_factory=list)


class Sender:
    """Number, merge and pace what one side says about one document.

    Args:
        limit: bytes of one frame, above which it goes in parts, and of one message's frames.
        pause: seconds between two messages.
    """

    def __init__(self, limit: int = 2**20, *, pause: float = PAUSE) -> None:
        self.seq = 0
        # The number of the last message that held a change of the document, or a part of one.
        self.written = 0
        self._pause = pause
        self._writer = peer.FrameWriter(limit)
        self._frames: list[bytes] = []
        self._updates: list[bytes] = []
        self._states: dict[int, awareness.State] = {}
        self._pieces: deque[bytes] = deque()
        self._status: int | None = None
        self._status_at = 0.0
        self._next_at = 0.0
        self._head_at: float | None = None
        self._heads = 0
        # An acknowledgement alone needs no head: nothing is lost with it.
        self._idle_talk = True

    def put_update(self, update: bytes) -> None:
        """Queue a change of the document; it may be merged with its neighbours."""
        self._updates.append(update)
        if len(self._updates) == MERGE:
            self._merge()

    def put(self, frame: bytes) -> None:
        """Queue a frame.

        Updates are merged; of the awareness states of one client, and of acknowledgements, only the newest is
        sent, and acknowledgements go with other frames, or alone at most once in 200 ms.
        """
        value = peer.decode(frame) if frame[:1] in _COALESCED else None
        if isinstance(value, sync.Update):
            self.put_update(value.update)
        elif isinstance(value, awareness.Awareness):
            self._states |= {state.client: state for state in awareness.decode_states(value.update)}
        elif isinstance(value, status.Status):
            self._status = value.seq
        else:
            self._merge()
            self._frames.append(frame)

    @property
    def busy(self) -> bool:
        """Tell whether something waits to be sent; an acknowledgement can wait, and a head says nothing new."""
        return bool(self._frames or self._updates or self._states or self._pieces)

    def due(self) -> float | None:
        """Return when `take` has something to send, None for not at all."""
        times = []
        if self.busy:
            times.append(self._next_at)
        if self._status is not None:
            times.append(max(self._next_at, self._status_at))
        if self._head_at is not None:
            times.append(self._head_at)
        return min(times, default=None)

    def take(self, now: float, *, everything: bool = False) -> list[Message]:
        """Return the messages to send now.

        Args:
            now: seconds, on any clock.
            everything: do not pace; for the last words before the channel closes.
        """
        due = self.due()
        if not everything and (due is None or now < due):
            return []
        self._collect(now)
        messages: list[Message] = []
        while self._pieces and (everything or (now >= self._next_at and len(messages) < BURST)):
            messages.append(self._message())
        if messages:
            self._next_at = now + self._pause
            if not self._idle_talk:
                self._head_at, self._heads = now + SETTLE, 2
        elif self._head_at is not None and now >= self._head_at:
            messages.append(Message("head", self.seq))
            self._heads -= 1
            self._head_at = now + SETTLE_AGAIN if self._heads else None
        return messages

    def unsent(self, now: float) -> None:
        """Tell that the channel took no message: the other side must learn of the gap from a later head."""
        self._head_at, self._heads = now + SETTLE_AGAIN, 2

    def _message(self) -> Message:
        buffers = [self._pieces.popleft()]
        size = len(buffers[0])
        while self._pieces and size + len(self._pieces[0]) <= self._writer.limit:
            size += len(self._pieces[0])
            buffers.append(self._pieces.popleft())
        self.seq += 1
        if any(piece[:1] in _CHANGES and piece[:2] != _STEP1 for piece in buffers):
            self.written = self.seq
        return Message("frame", self.seq, buffers)

    def _merge(self) -> None:
        if self._updates:
            update = self._updates[0] if len(self._updates) == 1 else merge_updates(*self._updates)
            self._frames.append(sync.update(update))
            self._updates.clear()

    def _collect(self, now: float) -> None:
        """Turn what is queued into pieces. Only a status alone waits for its own time."""
        self._merge()
        if self._states:
            self._frames.append(awareness.encode(awareness.encode_states(self._states.values())))
            self._states.clear()
        self._idle_talk = not (self._frames or self._pieces)
        if self._status is not None and (not self._idle_talk or now >= self._status_at):
            self._frames.append(status.encode(self._status))
            self._status, self._status_at = None, now + STATUS
        for frame in self._frames:
            self._pieces.extend(self._writer.split(frame))
        self._frames.clear()


class Receiver:
    """Follow what the other side says about one document, and notice what is missing.

    Args:
        limit: the largest frame put together from parts, in bytes.
    """

    def __init__(self, limit: int = 2**28) -> None:
        self.seq = 0
        self.gaps = 0
        self._assembler = parts.Assembler(limit)
        self._torn = False
        self._ask_at: float | None = None
        self._wait = ASK_AGAIN

    def restart(self) -> None:
        """Expect the number 1 next: the other side begins anew, with a welcome."""
        self.seq = 0
        self._tear()
        self._ask_at, self._wait = None, ASK_AGAIN

    def message(self, seq: int, buffers: Iterable[bytes], now: float) -> list[bytes]:
        """Return the whole frames that a message brings.

        After a gap nothing is thrown away but the rest of a frame whose beginning was lost.

        Raises:
            FrameError: a frame is malformed.
            FrameTooLarge: the parts of a frame add up to more than the limit.
        """
        if seq > self.seq + 1:
            self._missing(now)
            self._tear()
        self.seq = max(self.seq, seq)
        frames = (self._whole(frame) for frame in buffers)
        return [frame for frame in frames if frame is not None]

    def head(self, seq: int, now: float) -> None:
        """Learn the number of the last message that the other side sent."""
        if seq > self.seq:
            self.seq = seq
            self._missing(now)
            self._tear()

    def due(self) -> float | None:
        """Return when to send a resync, None where nothing is missing."""
        return self._ask_at

    def ask(self, now: float) -> bool:
        """Tell whether to send a resync now."""
        if self._ask_at is None or now < self._ask_at:
            return False
        self._ask_at = now + self._wait
        self._wait = min(2 * self._wait, ASK_SLOWEST)
        return True

    def _missing(self, now: float) -> None:
        self.gaps += 1
        if self._ask_at is None:
            self._ask_at = now

    def _tear(self) -> None:
        self._assembler.reset()
        self._torn = True

    def _whole(self, frame: bytes) -> bytes | None:
        value = peer.decode(frame)
        whole: bytes | None = frame
        if isinstance(value, parts.Part):
            if self._torn and value.index:
                return None
            self._torn = False
            whole = self._assembler.receive(value)
            if whole is None:
                return None
            value = peer.decode(whole)
            if isinstance(value, parts.Part):
                raise FrameError("A part carries a part.")
        if isinstance(value, sync.Step2):
            # It was computed after everything that got lost was sent, so it brings all of that.
            self._ask_at, self._wait = None, ASK_AGAIN
        return whole
