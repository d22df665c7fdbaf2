"""What stands in the file, and how another version of it gets into the live document."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from pycrdt import Map

from rtc_widgets.documents.content import content_of, read
from rtc_widgets.documents.merge import MergeResult, identify, merge_notebook, merge_other, merge_text
from rtc_widgets.documents.seed import normalize, own_ids
from rtc_widgets.documents.ycells import read_cells, settle_twins
from rtc_widgets.errors import RtcError
from rtc_widgets.origins import Origin
from rtc_widgets.registry import document_class
from rtc_widgets.relay.descent import descends

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pycrdt import Doc

    from rtc_widgets.relay.file_version import FileVersion

__all__ = ["NotMerged", "Versions"]

RELAY = Origin("relay")

_VERSIONS = 1000  # of the file, that are known again; some bytes each
_TEXT = frozenset({"file", "unicode"})


class NotMerged(RtcError):
    """Tell why a version of the file was not merged; the document was not changed."""


class Versions:
    """Remember the base, the content that the file has as far as is known, and merge what differs from it.

    Args:
        doc: the live document.
        type_: its type.
    """

    def __init__(self, doc: Doc[Any], type_: str) -> None:
        self.base: Any = None
        """What stands in the file, normalized, under the live cells' ids; None where that is not known."""
        self.file: FileVersion | None = None
        """The file as it was last read."""
        self.attempted: Any = None
        """What was being written when writing failed, if it did: what stands in the file may be a part of it."""
        self._doc = doc
        self._type = type_
        self._document = None if type_ == "notebook" or type_ in _TEXT else document_class(type_)(doc)
        self._trusted: dict[str, Any] = {}
        # Of the versions that the file had: their hashes, and keys of their sources.
        self._hashes: deque[str | None] = deque(maxlen=_VERSIONS)
        self._keys: deque[int] = deque(maxlen=_VERSIONS)
        self.ran: Callable[[], set[str]] = set
        """Returns the cells whose outputs were seen by the one person who could change them."""

    @property
    def trusted(self) -> frozenset[str]:
        """Return the ids of the cells that the contents manager may trust, unless their outputs were changed."""
        return frozenset(self._trusted)

    @property
    def line_end(self) -> str:
        """Return what the lines of the file end with."""
        return "\n" if self.file is None else self.file.line_end

    @property
    def old_format(self) -> int | None:
        """Return the notebook's major version if writing the file would be an upgrade."""
        return None if self.file is None else self.file.old_format

    async def live(self) -> Any:
        """Return what the file would hold if the document were saved now; equals ``base`` if it is saved.

        The document is read before the first pause, the rest is done in a thread: it takes 30 ms for 1,000 cells.
        """
        taken = read(self._doc, self._type, self._document)
        return await asyncio.to_thread(content_of, taken, self._type, self.base)

    def settle_twins(self) -> None:
        """Make cell ids unique in the document, too, and not only in what ``live`` returns."""
        if self._type == "notebook":
            settle_twins(self._doc, RELAY)

    def would_empty(self, content: Any) -> bool:
        """Tell whether *content* is an empty notebook in the place of a full one."""
        if self._type != "notebook" or not self.base:
            return False
        cells = self.base["cells"]
        full = len(cells) > 1 or any(cell["source"] for cell in cells)
        return full and len(content["cells"]) == 1 and not content["cells"][0]["source"]

    def take(self, file: FileVersion) -> MergeResult:
        """Merge *file* into the document and return what came of it.

        Raises:
            NotMerged: the file was emptied, or files of this type cannot be merged.
        """
        self._consider_attempt(file)
        base = self._live_by_content(file) or self._base_of(file)
        result = self._merge(file.content, base)
        if result.refused:
            raise NotMerged(result.refused)
        self._remember(file, result.content)
        return result

    def keep(self, file: FileVersion, base: Any) -> None:
        """Take *file* for what it was when *base* was noted, and merge nothing."""
        self.settle_twins()
        self._remember(file, base)

    async def wrote(
        self,
        content: Any,
        left: Any,
        file: FileVersion,
        *,
        same: bool,
        hooks: bool,
        merging: Callable[[FileVersion], Awaitable[None]],
    ) -> MergeResult | None:
        """Take over what stands in the file after *content* was saved; return what came of it where it was merged.

        That is not always what was written: hooks change it, and contents managers may keep only a part of a
        notebook. Either way it is the base of the next merge, and the document stays as it is. But somebody may
        also have written the file right after us, and a post-save hook may have: that is merged.

        Args:
            content: what was saved.
            left: what the hooks left of it.
            file: what was read right after saving.
            same: whether its time is that of the save.
            hooks: whether there are post-save hooks, which change the file that was written, whatever they leave.
            merging: awaited with *file* before it is merged.
        """
        self.attempted = None
        if self._type == "notebook":
            found = await asyncio.to_thread(identify, content, file.content)
            wanted = await asyncio.to_thread(identify, content, left)
            # The time alone proves nothing: somebody may have written between our write and the look at its time.
            expected = found == wanted or (same and _sources(found) == _sources(wanted))
        else:
            found = normalize(self._type, file.content)
            expected = found == normalize(self._type, left)
        if not expected:
            # An editor may have had the file open since before: what we wrote it has not deleted, but never seen.
            if hooks or descends(found, content, self.base):
                self.base = content
            await merging(file)
            return self.take(file)
        trusted = self.to_trust(content)
        self._remember(file, found)
        if self._type == "notebook":
            # Of what the document shows, which a hook may have kept from the file.
            self._trusted = {
                cell["id"]: cell.get("outputs") for cell in content["cells"] if cell["id"] in trusted
            }
        return None

    def recover(self, base: Any, attempted: Any, file: FileVersion | None, merged: Any = None) -> bool:
        """Take over the base of an earlier server, which may have ended at any moment.

        Args:
            base: what the file held when that server last told.
            attempted: what it was writing since, if it was.
            file: what the file holds now; None where that cannot be read.
            merged: what the file held when the document, as it is logged, last merged it, where that is later than
                *base* and known.

        Returns:
            Whether *file* is to be merged; else it is what was left of that server's last write.
        """
        self.base, self.attempted = base, attempted
        if file is None:
            return False
        if self._has_merged(file):
            self.base, self.attempted = self._found(file.content, self._live_now()), None
            return True
        if merged is not None:
            # Whatever was being written before was read back, or never written.
            self.base, self.attempted = self._found(merged, self._live_now()), None
            return True
        if attempted is None:
            return True
        found = self._found(file.content, attempted)
        if isinstance(attempted, str) and found != attempted and attempted.startswith(found):
            return False
        self._consider_attempt(file)
        return True

    def _consider_attempt(self, file: FileVersion) -> None:
        """Take a write of which nobody knows how it ended for the base, where *file* was made from it.

        Its time and hash were not learnt: the server ended, or the file was renamed, before it was read back. With
        the base before it, all that was written would be found to be new on both sides, and stay twice.
        """
        if self.attempted is None:
            return
        found = self._found(file.content, self.attempted)
        if descends(found, self.attempted, self.base):
            # Where it holds what was being written, whatever a hook left out of it is no change by others.
            self.base = _overlaid(self.attempted, found) if self._type == "notebook" else self.attempted
        self.attempted = None

    def _has_merged(self, file: FileVersion) -> bool:
        """Tell whether the document says itself that it has this version: that is logged with the merge."""
        known: Any = self._doc.get("state", type=Map).get("hash")
        return file.stat.hash is not None and known == file.stat.hash

    def _found(self, content: Any, known: Any) -> Any:
        return identify(known, content) if self._type == "notebook" else normalize(self._type, content)

    def _live_by_content(self, file: FileVersion) -> Any:
        """Return the document, as a file, where *file* holds just that and its cells bring no ids along; else None.

        Compared to the base, a cell that is new in both would be two: nothing but its content tells that it is one.
        """
        if self._type != "notebook" or None not in own_ids(file.content):
            return None
        live = self._live_now()
        return live if self._found(file.content, live) == live else None

    def _live_now(self) -> Any:
        return content_of(read(self._doc, self._type, self._document), self._type, self.base)

    def half_written(self, file: FileVersion) -> bool:
        """Tell whether *file* is what a save that failed left behind, and not somebody's change."""
        if self.attempted is None:
            return False
        found = normalize(self._type, file.content)
        if isinstance(self.attempted, str):
            return self.attempted.startswith(found)
        return bool(found == self.attempted)

    def to_trust(self, content: Any) -> set[str]:
        """Return which cells of *content*, from ``live``, the contents manager may trust: it signs if all are.

        Those that it trusted when it read them and that still have those outputs, and those that the one person ran
        who could change anything.
        """
        if self._type != "notebook":
            return set()
        kept = {
            cell["id"]
            for cell in content["cells"]
            if cell["id"] in self._trusted and cell.get("outputs") == self._trusted[cell["id"]]
        }
        return kept | self.ran()

    def shown_as_trusted(self) -> list[str]:
        """Return the cells whose live outputs are still those that the contents manager trusted in the file."""
        if not any(self._trusted.values()):
            return []
        return [
            cell["id"]
            for cell in read_cells(self._doc)
            if cell.get("outputs") and cell["outputs"] == self._trusted.get(cell["id"])
        ]

    def _merge(self, theirs: Any, base: Any) -> MergeResult:
        if self._type == "notebook":
            return merge_notebook(self._doc, base, theirs)
        if self._document is None:
            return merge_text(self._doc, base, theirs)
        return merge_other(self._document, self._type, base, theirs)

    def _base_of(self, file: FileVersion) -> Any:
        """Return what *file* was made from: the base, unless a program ran an earlier version, and knew no later one.

        Such a run (`nbconvert --inplace --execute`) takes long, and does not delete what was typed and saved meanwhile.
        Its sources are those of the earlier version, and its outputs are new; an earlier version itself, or one without
        outputs, is somebody's decision.
        """
        base, hash_ = self.base, file.stat.hash
        if self._type != "notebook" or not base or hash_ is None or hash_ in self._hashes:
            return base
        key = _key(file.normal)
        if key == _key(base) or key not in self._keys:
            return base
        found = self._found(file.content, base)
        before = {cell["id"]: cell for cell in base["cells"]}
        outputs = {name: cell.get("outputs") for name, cell in before.items()}
        if not any(
            (new := cell.get("outputs")) and new != outputs.get(cell["id"]) for cell in found["cells"]
        ):
            return base
        cells = [{**before.get(cell["id"], cell), "source": cell["source"]} for cell in found["cells"]]
        return {**base, "cells": cells}

    def _remember(self, file: FileVersion, content: Any) -> None:
        self.base, self.file = content, file
        if self._type == "notebook":
            self._hashes.append(file.stat.hash)
            self._keys.append(_key(content))
            cells = content["cells"]
            self._trusted = {cells[index]["id"]: cells[index].get("outputs") for index in file.trusted}


def _overlaid(attempted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return *attempted* with those cells as they were *found* whose source is the same."""
    cells = {cell["id"]: cell for cell in found["cells"]}
    return {
        **attempted,
        "cells": [
            there
            if (there := cells.get(cell["id"])) is not None and there["source"] == cell["source"]
            else cell
            for cell in attempted["cells"]
        ],
    }


def _key(notebook: Any) -> int:
    return hash(tuple(_sources(notebook)))


def _sources(notebook: Any) -> list[tuple[str, str]]:
    """Return what no contents manager and no hook takes from a notebook that it keeps in part."""
    return [(cell["cell_type"], cell["source"]) for cell in notebook["cells"]]
