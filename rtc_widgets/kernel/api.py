"""``rtc_widgets.notebook()``: the notebook that this code runs in, live."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, overload

from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.errors import ChannelClosed, NotConnected
from rtc_widgets.kernel import extension
from rtc_widgets.kernel.session import NOT_YET
from rtc_widgets.protocol.codes import CloseCode

if TYPE_CHECKING:
    from rtc_widgets.kernel.session import KernelSession

__all__ = ["notebook"]

# Seconds that a relay which has answered may take to open a large file.
PATIENCE = 30.0

CAUSES = """\
The likely causes, and what to do:
- The server does not run rtc_widgets. In the environment of Jupyter Server: pip install "rtc_widgets[lab]",
  see that `jupyter server extension list` names it as enabled, and restart the server.
- This kernel was not started by that server (VS Code, a gateway or remote kernel). Open the notebook in
  JupyterLab and run it there.
- The notebook is executed without a server (nbclient, nbconvert, papermill). Execute it with
  rtc_widgets.client.nbclient.LiveNotebookClient, or told to use it: docs/api.md, "Headless runs".
- The notebook is open in a tab that does not collaborate. Reload the page.
- Another collaboration extension owns the documents of this server; the server's log names it.
"""
OR_NONE = "`rtc_widgets.notebook(required=False)` gives None instead of this error."

NO_ANSWER = "No relay answered within {timeout:g} s, so there is no live notebook here. " + CAUSES + OR_NONE

NOT_THAT_ONE = """\
No notebook {path!r} is connected to this kernel; connected are: {paths}. A kernel reaches the notebooks that
are open with it. `rtc_widgets.notebook()` without a path is the one that the code runs in."""


@overload
def notebook(
    path: str | None = None, *, required: Literal[True] = True, timeout: float = 2.0
) -> Notebook: ...
@overload
def notebook(path: str | None = None, *, required: bool, timeout: float = 2.0) -> Notebook | None: ...


def notebook(path: str | None = None, *, required: bool = True, timeout: float = 2.0) -> Notebook | None:
    """Return the notebook that this code runs in: a live handle, synced when this returns.

    Loads the extension if ``%load_ext rtc_widgets`` was not run.

    Args:
        path: of another notebook: one that shares this kernel, where the end of its path is enough, or any that the
            server lets kernels open (`open`).
        required: give False to get None where there is no relay, in code that also runs elsewhere.
        timeout: seconds to wait for the relay's first answer.

    Raises:
        NotConnected: there is no live notebook here; the message names the likely causes and their cures.
        ChannelClosed: the server refuses *path*; ``code`` and ``reason`` say why.

    Example::

        nb = rtc_widgets.notebook()
        nb[0].source = "x = 2"
    """
    try:
        session = _session()
        found = session.wait(None, timeout) if path is None else _at(session, path, timeout)
        if found is None:
            raise NotConnected(_why(session, path, timeout))
    except NotConnected:
        if required:
            raise
        return None
    return found


def _at(session: KernelSession, path: str, timeout: float) -> Notebook | None:
    """Return the notebook at *path*, None where no relay answers."""
    session.settle(timeout)
    if session.knows(path):
        return session.wait(path, timeout)
    if not session.answered:
        return None
    try:
        opened = session.open(path, "notebook", max(timeout, PATIENCE))
    except ChannelClosed as refused:
        if refused.code not in {CloseCode.NO_DOCUMENT, CloseCode.UNAUTHORIZED}:
            raise
        # It may have come to share this kernel since the last hello.
        found = session.wait(path, timeout)
        if found is None:
            raise NotConnected(f"{_why(session, path, timeout)}\n{refused.reason}") from refused
        return found
    assert isinstance(opened, Notebook)
    return opened


def _session() -> KernelSession:
    session = extension.current()
    if session is None:
        ipython = sys.modules.get("IPython")
        shell = None if ipython is None else ipython.get_ipython()
        if shell is None:
            raise NotConnected(extension.NO_KERNEL)
        extension.load_ipython_extension(shell)
        session = extension.current()
    if session is None:
        raise NotConnected(extension.NO_KERNEL)
    return session


def _why(session: KernelSession, path: str | None, timeout: float) -> str:
    if path is not None and session.paths:
        return NOT_THAT_ONE.format(path=path, paths=", ".join(sorted(session.paths)))
    if session.deaf():
        return f"{NOT_YET.format(what='the notebook')} If it says the same again, no relay answers. {CAUSES}{OR_NONE}"
    return NO_ANSWER.format(timeout=timeout)
