"""The exceptions this package raises.

RtcError
├── ProtocolError          a peer broke the protocol
│   └── FrameError         bytes that do not parse
├── ChannelClosed          the other side ended the document; carries a close code
├── NotConnected           there is no relay here; says why, with the cures
├── DocumentError          a value that would make the document invalid (also a ValueError)
├── CommentRefused         the server does not write a comment, or what was asked about one; says why
├── CellGone               the cell was deleted (also a LookupError)
├── StaleText              a text is not as it was when it was read
│   └── StaleCell          the text of a cell
├── UnknownDocumentType    no such type under the entry point ``jupyter_ydoc`` (also a LookupError)
└── StoreError             the log could not be read or written
"""

from __future__ import annotations

__all__ = [
    "CellGone",
    "ChannelClosed",
    "CommentRefused",
    "DocumentError",
    "FrameError",
    "NotConnected",
    "ProtocolError",
    "RtcError",
    "StaleCell",
    "StaleText",
    "StoreError",
    "UnknownDocumentType",
]


class RtcError(Exception):
    """Be the base of every exception of this package."""


class ProtocolError(RtcError):
    """Tell that a peer broke the protocol (docs/protocol.md)."""


class FrameError(ProtocolError):
    """Tell that bytes do not parse as an envelope or a frame (sections 2 and 3)."""


class ChannelClosed(RtcError):
    """Tell that the other side ended the document.

    Args:
        code: a close code of docs/protocol.md, section 5.
        reason: a sentence for a person.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{reason} [{code}]")
        self.code = code
        self.reason = reason


class CommentRefused(RtcError):
    """Tell that the server does not write a comment, or what else was asked for; nothing was written.

    Args:
        code: ``read-only``, ``not-yours``, ``no-thread``, ``no-target``, ``too-large``, ``too-many`` or
            ``bad-request``: docs/protocol.md, section 3.4.
        reason: a sentence for a person, with what to do.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{reason} [{code}]")
        self.code = code
        self.reason = reason


class NotConnected(RtcError):
    """Tell that this process has no live document, with the likely causes and their cures."""


class DocumentError(RtcError, ValueError):
    """Tell that a value would make the document invalid; nothing was written."""


class CellGone(RtcError, LookupError):
    """Tell that the cell behind a handle was deleted."""


class StaleText(RtcError):
    """Tell that a text was changed since it was read, so that an edit made for what it was must not be written."""


class StaleCell(StaleText):
    """Tell that the text of a cell was changed since it was read."""


class UnknownDocumentType(RtcError, LookupError):
    """Tell that no document class is registered under that name."""


class StoreError(RtcError):
    """Tell that the log of a document could not be read or written."""
