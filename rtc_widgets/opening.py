"""``rtc_widgets.open()``: any other file as a live document, from a kernel or from a process that is connected."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import NotConnected

if TYPE_CHECKING:
    from rtc_widgets.documents.datafile import LiveData
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.documents.textfile import LiveText

__all__ = ["open"]

_NOT_CONNECTED = (
    "This process is connected to no server, so there is nothing to open {path!r} on. In a notebook in JupyterLab: "
    "%load_ext rtc_widgets. Elsewhere connect first, rtc_widgets.connect(url, path=…), or work on the file alone with "
    "rtc_widgets.local({path!r})."
)


def open(  # noqa: A001 (as `io.open` and `codecs.open`: it is used with the module's name)
    path: str,
    *,
    type: str | None = None,  # noqa: A002 (what the contents manager calls it)
    timeout: float = 30.0,
) -> Notebook | LiveText | LiveData:
    r"""Return a live handle of another file on the server that this process is connected to.

    Args:
        path: of the file. In a kernel it begins at the notebook's folder, or with a slash at the server's root folder;
            in a process that called `connect`, at the root folder.
        type: ``notebook``, ``file`` for any text, or another document type that the server knows; by default a
            notebook where the path ends so, else text.
        timeout: seconds until the content must be here.

    Raises:
        NotConnected: the process is connected to no server.
        ChannelClosed: the server refuses; ``code`` and ``reason`` say why.

    Example::

        notes = rtc_widgets.open("notes.md")
        notes.text += "\nDone."
    """
    # Looked for and not imported: a process that is no kernel needs none of it, and the other way round.
    kernel = sys.modules.get("rtc_widgets.kernel.extension")
    session: Any = None
    if kernel is not None:
        with contextlib.suppress(NotConnected):  # loaded in a kernel that cannot be connected
            session = kernel.current()
    chosen = type or ("notebook" if path.endswith(".ipynb") else "file")
    if session is not None:
        opened: Any = session.open(path, chosen, timeout)
        return opened  # type: ignore[no-any-return]
    client = sys.modules.get("rtc_widgets.client.session")
    if client is None or client.current() is None:
        raise NotConnected(_NOT_CONNECTED.format(path=path))
    from rtc_widgets.client.api import open_beside  # noqa: PLC0415 (only where there is a client)

    return open_beside(path, chosen, timeout)
