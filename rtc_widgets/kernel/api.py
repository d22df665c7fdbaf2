"""``rtc_widgets.notebook()``: the notebook that this code runs in, live."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, overload

from rtc_widgets.errors import NotConnected
from rtc_widgets.kernel import extension

if TYPE_CHECKING:
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.kernel.session import KernelSession

__all__ = ["notebook"]

NO_ANSWER = """\
No relay answered within {timeout:g} s, so there is no live notebook here. The likely causes, and what to do:
- The server does not run rtc_widgets. In the environment of Jupyter Server: pip install "rtc_widgets[lab]",
  see that `jupyter server extension list` names it as enabled, and restart the server.
- This kernel was not started by that server (VS Code, a gateway or remote kernel). Open the notebook in
  JupyterLab and run it there.
- The notebook is executed without a server (nbclient, nbconvert, papermill). Execute it with
  rtc_widgets.client.nbclient.LiveNotebookClient, or told to use it: docs/api.md, "Headless runs".
- The notebook is open in a tab that does not collaborate. Reload the page.
- Another collaboration extension owns the documents of this server; the server's log names it.
`rtc_widgets.notebook(required=False)` gives None instead of this error."""

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
        path: of another notebook that shares this kernel; its end is enough.
        required: give False to get None where there is no relay, in code that also runs elsewhere.
        timeout: seconds to wait for the relay's first answer.

    Raises:
        NotConnected: there is no live notebook here; the message names the likely causes and their cures.

    Example::

        nb = rtc_widgets.notebook()
        nb[0].source = "x = 2"
    """
    try:
        session = _session()
        found = session.wait(path, timeout)
        if found is None:
            raise NotConnected(_why(session, path, timeout))
    except NotConnected:
        if required:
            raise
        return None
    return found


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
    return NO_ANSWER.format(timeout=timeout)
