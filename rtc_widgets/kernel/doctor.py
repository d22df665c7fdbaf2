"""What may be wrong between a live notebook and its server: each thing looked at, and its cure said."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from rtc_widgets._version import __version__
from rtc_widgets.documents.link import LinkState
from rtc_widgets.errors import RtcError
from rtc_widgets.kernel.linked import LinkedDocument
from rtc_widgets.kernel.standing import AWAY, Card, file_says, written_says
from rtc_widgets.protocol.state_hash import state_hash

if TYPE_CHECKING:
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.kernel.session import KernelSession

__all__ = ["doctor"]

_PATIENCE = 10.0  # seconds for an answer of the server's
_SLOW = 2.0  # seconds, above which it is said
# Others may be typing while the two states are compared: what was typed is on its way.
_LOOKS = 5
_PAUSE = 0.2

_DEAF = (
    "This kernel hears the server between cells only, so nothing can be asked while this one runs. ipykernel 6.31 or "
    "newer hears also while a cell runs: pip install -U ipykernel, and restart the kernel."
)
_SILENT = (
    "The server did not answer. Look at its log, and whether it is busy; what is written here is kept and sent. If it "
    "goes on, run %reload_ext rtc_widgets."
)
_APART = (
    "This kernel and the server do not have the same. Save what matters, run %reload_ext rtc_widgets, which reads "
    "everything anew, and report it with the server's log."
)
_VERSIONS = (
    "Kernel and server have different releases of rtc_widgets, which works while they speak a common version of the "
    "protocol. Upgrade the older one: pip install -U rtc_widgets, in its environment, and restart it."
)
_VIEWER = "Ask the owner of the notebook for the right to edit, or save a copy; its file may be read-only."
_BUSY = "The server, or this kernel, is busy: what is written may take so long to arrive."


class _Finding(NamedTuple):
    what: str
    found: str
    cure: str = ""


def doctor(notebook: Notebook, session: KernelSession) -> Card:
    """Return what was looked at, and the cure of each thing that is not as it should be; takes up to 20 seconds."""
    link = notebook.document.link
    findings = [_connection(notebook)]
    if isinstance(link, LinkedDocument):
        theirs = link.welcome.release
        same = theirs == __version__
        findings += [
            _Finding("versions", f"{__version__} here, {theirs} on the server", "" if same else _VERSIONS),
            _Finding(
                "role",
                str(link.welcome.role),
                "" if link.welcome.role.may_write else _VIEWER,
            ),
        ]
        if session.hears_during_cells:
            findings += _asked(notebook, link)
        else:
            findings.append(_Finding("answers", "between cells only", _DEAF))
    findings += [
        _Finding("written here", written_says(notebook, session)),
        _Finding("file", file_says(notebook, session)),
    ]
    cures = [f"- {finding.what}: {finding.cure}" for finding in findings if finding.cure]
    rows = [
        (finding.what, ("✗ " if finding.cure else "✓ ") + finding.found)
        if finding.what not in {"written here", "file"}
        else (finding.what, finding.found)
        for finding in findings
    ]
    return Card(
        f"{notebook.path or 'Live notebook'}: {_count(cures)}",
        rows,
        "\n".join(cures),
    )


def _count(cures: list[str]) -> str:
    if not cures:
        return "all is well"
    return (
        "one thing is not as it should be"
        if len(cures) == 1
        else f"{len(cures)} things are not as they should be"
    )


def _connection(notebook: Notebook) -> _Finding:
    state = notebook.state
    cure = ""
    if state is not LinkState.LIVE:
        cure = notebook.document.detached or AWAY
    return _Finding("connection", str(state), cure)


def _asked(notebook: Notebook, link: LinkedDocument) -> list[_Finding]:
    """Ask the server for the hash of its state, and compare it with ours."""
    start = time.monotonic()
    try:
        theirs = _state(link)
    except (RtcError, TimeoutError) as error:
        why = str(error)
        return [_Finding("answers", f"none ({why or f'within {_PATIENCE:g} s'})", _SILENT)]
    took = time.monotonic() - start
    answers = _Finding("answers", f"after {took * 1000:.0f} ms", _BUSY if took > _SLOW else "")
    for look in range(_LOOKS):
        if theirs == _own(notebook):
            return [answers, _Finding("state", f"the same here and on the server ({theirs[:12]})")]
        if look < _LOOKS - 1:
            time.sleep(_PAUSE)
            try:
                theirs = _state(link)
            except (RtcError, TimeoutError):
                break
    return [answers, _Finding("state", "another here than on the server", _APART)]


def _state(link: LinkedDocument) -> str:
    future: Future[Any] = link.request("state", {})
    return str(future.result(_PATIENCE)["hash"])


def _own(notebook: Notebook) -> str:
    with notebook.document.reading():
        vector = notebook.document.state_vector()
        return state_hash(vector, notebook.document.diff_update(vector))
