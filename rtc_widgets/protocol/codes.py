"""Why a document was closed: named codes, each with a sentence for a person (section 5)."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CloseCode"]


class CloseCode(StrEnum):
    """Name a reason to close a document."""

    NORMAL = "normal"
    GOING_AWAY = "going-away"
    BAD_FRAME = "bad-frame"
    UNAUTHORIZED = "unauthorized"
    NO_ACCESS = "no-access"
    READ_ONLY = "read-only"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    OTHER_PROVIDER = "other-provider"
    LINEAGE_MISMATCH = "lineage-mismatch"
    TOO_LARGE = "too-large"
    UNKNOWN_TYPE = "unknown-type"
    UNREADABLE = "unreadable"
    VERSION_MISMATCH = "version-mismatch"
    TOO_MANY = "too-many"
    TOO_SLOW = "too-slow"
    NOT_COLLABORATIVE = "not-collaborative"
    NO_DOCUMENT = "no-document"
    GONE = "gone"
    INTERNAL_ERROR = "internal-error"

    @property
    def websocket(self) -> int:
        """Return the code that closes a WebSocket for this reason."""
        return _TABLE[self][0]

    @property
    def sentence(self) -> str:
        """Return what to tell a person: what happened, and what to do about it."""
        return _TABLE[self][1]

    @property
    def http(self) -> int:
        """Return the HTTP status that refuses a request for this reason."""
        return _HTTP.get(self, 400)


_TABLE: dict[CloseCode, tuple[int, str]] = {
    CloseCode.NORMAL: (1000, "The document was closed."),
    CloseCode.GOING_AWAY: (1001, "The server is restarting; the document reconnects by itself."),
    CloseCode.BAD_FRAME: (
        4400,
        "A message could not be read. Reload the page; if it happens again, report it with the server's log.",
    ),
    CloseCode.UNAUTHORIZED: (
        4401,
        "Your sign-in is missing or has expired. Sign in again and reload the page.",
    ),
    CloseCode.NO_ACCESS: (
        4407,
        (
            "You may not open this document, or not any more. "
            "Ask its owner for access; a document that is open here goes on by itself then."
        ),
    ),
    CloseCode.READ_ONLY: (
        4403,
        (
            "You may read this document but not change it. "
            "Ask its owner for the right to edit, or save a copy of your own."
        ),
    ),
    CloseCode.NOT_FOUND: (
        4404,
        "The file does not exist any more. Save a copy under a new name to keep its content.",
    ),
    CloseCode.CONFLICT: (
        4409,
        "The file is open as another kind of document. Close it there first, then open it again.",
    ),
    CloseCode.OTHER_PROVIDER: (
        4410,
        (
            "Another collaboration extension owns the documents of this server. "
            "Uninstall one of the two (for example: pip uninstall jupyter-collaboration) and restart the server."
        ),
    ),
    CloseCode.LINEAGE_MISMATCH: (
        4412,
        "The server started this document anew while you were away. It is opened again and your changes are kept.",
    ),
    CloseCode.TOO_LARGE: (
        4413,
        (
            "The document or a change to it is larger than the server allows. "
            "Clear large outputs, or raise the limit in the server's configuration."
        ),
    ),
    CloseCode.UNKNOWN_TYPE: (
        4415,
        "No document type of that name is installed on the server. Install the package that provides it.",
    ),
    CloseCode.UNREADABLE: (
        4422,
        "The file is empty or damaged and was left untouched. Repair it or restore it from a copy, then open it again.",
    ),
    CloseCode.VERSION_MISMATCH: (
        4426,
        "The two sides speak different versions of the protocol. Upgrade rtc_widgets on the older side.",
    ),
    CloseCode.TOO_MANY: (
        4429,
        "Too many documents or messages at once. Close some documents and reload the page.",
    ),
    CloseCode.TOO_SLOW: (
        4408,
        (
            "Your connection could not keep up with what others write here. "
            "It connects again by itself, and nothing is lost."
        ),
    ),
    CloseCode.INTERNAL_ERROR: (
        4500,
        "Something went wrong on the server; what was acknowledged is safe. Reload the page and see the server's log.",
    ),
    CloseCode.NOT_COLLABORATIVE: (
        4460,
        (
            "The notebook is open in a tab that does not collaborate, so its content cannot be reached from here. "
            "Save it, enable rtc_widgets in JupyterLab's settings and reload the page."
        ),
    ),
    CloseCode.NO_DOCUMENT: (
        4461,
        "This kernel belongs to no notebook on this server. Open the notebook in JupyterLab and run the cell there.",
    ),
    CloseCode.GONE: (4462, "The other side of the connection is gone."),
}

_HTTP: dict[CloseCode, int] = {
    CloseCode.UNAUTHORIZED: 401,
    CloseCode.NO_ACCESS: 403,
    CloseCode.READ_ONLY: 403,
    CloseCode.NOT_FOUND: 404,
    CloseCode.CONFLICT: 409,
    CloseCode.OTHER_PROVIDER: 409,
    CloseCode.TOO_LARGE: 413,
    CloseCode.UNKNOWN_TYPE: 415,
    CloseCode.UNREADABLE: 422,
    CloseCode.VERSION_MISMATCH: 426,
    CloseCode.TOO_MANY: 429,
    CloseCode.TOO_SLOW: 503,
    CloseCode.INTERNAL_ERROR: 500,
    CloseCode.GOING_AWAY: 503,
}
