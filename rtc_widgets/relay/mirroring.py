"""A copy of a notebook's comments in its file, where people want that: so that they travel with it.

The relay's own document of annotations counts. What a file brings is added to it; what a file lacks is not taken away,
because a checkout of an old version, or a hook that strips metadata, deletes nobody's words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rtc_widgets.documents.mirror import MirrorWriter, from_mirror, understood

if TYPE_CHECKING:
    from rtc_widgets.relay.files import RoomFile
    from rtc_widgets.rooms.annotate import Annotator
    from rtc_widgets.rooms.document import RoomDocument

__all__ = ["MIRROR", "Mirror", "Mirroring"]

Mirror = Literal["ask", "always", "never"]
MIRROR: tuple[Mirror, ...] = ("ask", "always", "never")


class Mirroring:
    """Keep the copy in one notebook's file in step.

    Args:
        annotator: who writes the annotations.
        annotations: where they are.
        file: the notebook's.
        default: what holds where nobody has decided for this notebook: ``ask`` goes on where a file has a copy, and
            begins none.
    """

    def __init__(
        self,
        annotator: Annotator,
        annotations: RoomDocument,
        file: RoomFile,
        default: Mirror,
    ) -> None:
        self._annotator = annotator
        self._writer = MirrorWriter()
        self._default = default
        self._file = file
        file.page_for = self.page_for
        file.on_page = self.take
        annotations.on_changed(self._on_changed)

    def page_for(self, there: Any) -> Any:
        """Return the copy that the file is to have.

        Args:
            there: the one that it has, None for none.
        """
        if self._wanted(there):
            return self._writer.page(self._annotator.threads.all)
        # Nobody decided against a copy that stands there, so it stays as it is.
        return None if self._annotator.mirror == "never" else there or None

    def take(self, page: Any) -> None:
        """Bring in what a copy has and the document lacks; the same copy a second time changes nothing.

        Whoever can write the file can write any author into it, so none of them counts as signed in.
        """
        threads = from_mirror(page)
        if threads:
            # Where they are is looked for later: it may take long, and clients find it by themselves.
            self._annotator.restore(threads, {thread.id: understood(thread.anchor) for thread in threads})

    def undecided(self) -> bool:
        """Tell whether somebody is to be asked."""
        return self._default == "ask" and self._annotator.mirror is None and self._file.page is None

    def _wanted(self, there: Any) -> bool:
        decided = self._annotator.mirror or self._default
        return decided == "always" or (decided == "ask" and there is not None)

    def _on_changed(self) -> None:
        # Not compared: what is being written at this moment is not known to be there yet.
        if self._wanted(self._file.page) or self._annotator.mirror == "never":
            self._file.commented()
