"""The three primitives of lib0 that frames are made of: varuint, varbytes and varstring (section 1)."""

from __future__ import annotations

from rtc_widgets.errors import FrameError

__all__ = ["MAX_VARUINT", "Reader", "varbytes", "varstring", "varuint"]

# "A varuint MUST be below 2^53": JavaScript's largest exact integer.
MAX_VARUINT = 2**53 - 1


def varuint(number: int) -> bytes:
    """Encode *number*, seven bits a byte, least significant group first."""
    if not 0 <= number <= MAX_VARUINT:
        raise ValueError(f"{number} is not between 0 and 2^53 - 1")
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def varbytes(data: bytes) -> bytes:
    """Encode *data* behind its length in bytes."""
    return varuint(len(data)) + data


def varstring(text: str) -> bytes:
    """Encode *text* as UTF-8 behind its length in bytes.

    pycrdt's own encoder writes the length in code points, which corrupts non-ASCII text.
    """
    return varbytes(text.encode())


class Reader:
    """Read primitives from *data*, strictly: what is missing or malformed raises `FrameError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def varuint(self) -> int:
        """Read a varuint."""
        number = shift = 0
        while True:
            if self._position >= len(self._data):
                raise FrameError("The frame ends inside a number.")
            byte = self._data[self._position]
            self._position += 1
            number |= (byte & 127) << shift
            if number > MAX_VARUINT:
                raise FrameError("A number of the frame is 2^53 or more.")
            if byte < 128:
                return number
            shift += 7

    def varbytes(self) -> bytes:
        """Read bytes that stand behind their length."""
        length = self.varuint()
        start = self._position
        if start + length > len(self._data):
            raise FrameError(f"The frame announces {length} bytes and has {len(self._data) - start}.")
        self._position += length
        return self._data[start : self._position]

    def varstring(self) -> str:
        """Read UTF-8 text that stands behind its length in bytes."""
        try:
            return self.varbytes().decode()
        except UnicodeDecodeError as error:
            raise FrameError("A string of the frame is not UTF-8.") from error

    def byte(self) -> int:
        """Read one byte."""
        if self._position >= len(self._data):
            raise FrameError("The frame ends where a byte was to come.")
        self._position += 1
        return self._data[self._position - 1]

    def varint(self) -> None:
        """Pass over a number that may be negative: its first byte has the sign beside six bits."""
        if self.byte() & 128:
            self.varuint()

    def skip(self, count: int) -> None:
        """Pass over *count* bytes."""
        if self._position + count > len(self._data):
            raise FrameError(f"The frame ends before {count} bytes that were to come.")
        self._position += count

    def rest(self) -> bytes:
        """Read all that is left."""
        start, self._position = self._position, len(self._data)
        return self._data[start:]

    def end(self) -> None:
        """Raise unless everything was read: "A frame MUST end where its grammar ends" (section 3)."""
        if self._position != len(self._data):
            raise FrameError(f"{len(self._data) - self._position} bytes follow the end of the frame.")
