"""What docs/reference tells of, and in which order: the list that build_reference.py works through."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "OURS", "PAGES", "Page"]


@dataclass(frozen=True)
class Page:
    """One topic: its file, its title, what it is about, and the names that it documents."""

    name: str
    title: str
    about: str
    entries: tuple[str, ...]


PAGES = (
    Page(
        "handles",
        "Get a handle",
        "Where a live notebook, text or other file comes from.",
        (
            "notebook",
            "open",
            "connect",
            "connect_async",
            "local",
            "client.api.Connecting",
            "documents.link.Reply",
            "documents.link.LinkState",
        ),
    ),
    Page(
        "notebook",
        "The notebook",
        "A list of cells, and what it can do besides.",
        ("documents.notebook.Notebook",),
    ),
    Page(
        "cell",
        "A cell",
        "A handle that follows its cell, and the live text, lines, metadata, tags and outputs behind it.",
        (
            "documents.cells.Cell",
            "documents.celltext.CellText",
            "documents.lines.Lines",
            "documents.mapping.LiveMapping",
            "documents.mapping.LiveList",
            "documents.tags.Tags",
            "documents.outputs.Outputs",
            "documents.outputs.Output",
        ),
    ),
    Page(
        "finding",
        "Find cells",
        "What looking for cells gives: matches, cells of one type, and the sections that headings make.",
        (
            "documents.lookup.Found",
            "documents.lookup.TypedCells",
            "documents.headings.Sections",
            "documents.headings.Section",
        ),
    ),
    Page(
        "changes",
        "Changes",
        "What `Notebook.on_change`, `Notebook.wait_for` and `Notebook.transaction` give. Undo is a "
        "[group of the notebook's own](notebook.md#undo).",
        (
            "documents.subscription.Subscription",
            "documents.events.ChangeSubscription",
            "documents.events.Change",
            "documents.text.Edit",
            "documents.cell_index.CellEdit",
            "documents.people.PersonEdit",
            "Origin",
            "documents.observable.Waiting",
            "documents.transactions.Transaction",
        ),
    ),
    Page(
        "people",
        "People",
        "Who has a document open, and where they are.",
        ("documents.users.Users", "documents.users.Person", "documents.users.Acquaintance", "Role"),
    ),
    Page(
        "comments",
        "Comments",
        "Threads about cells, texts and notebooks: what `Cell.comment` and `Notebook.comments` give.",
        (
            "documents.comments.Comments",
            "documents.thread.Thread",
            "documents.thread.Comment",
            "documents.threads.Author",
            "documents.comment_edits.CommentEdit",
        ),
    ),
    Page(
        "widgets",
        "Widgets",
        "Comments in the output of a cell; [who is the author](../widgets.md).",
        ("CommentsWidget", "ThreadWidget", "CommentBox"),
    ),
    Page(
        "files",
        "Texts and other files",
        "The handles of files that are no notebooks.",
        ("documents.textfile.LiveText", "documents.datafile.LiveData"),
    ),
    Page(
        "headless",
        "Headless runs",
        "What executes notebooks that edit themselves where there is no server.",
        (
            "client.nbclient.LiveNotebookClient",
            "client.nbconvert.LiveExecutePreprocessor",
            "client.papermill.LiveEngine",
        ),
    ),
    Page(
        "testing",
        "For tests",
        "Where logs are kept, and the exam of [a store of your own](../reliability.md#a-store-of-your-own).",
        (
            "testing.store_exam.StoreExam",
            "stores.entry.Store",
            "stores.entry.Entry",
            "stores.snapshot.Snapshots",
            "stores.snapshot.Snapshot",
        ),
    ),
    Page(
        "exceptions",
        "Exceptions",
        "What this package raises. Each is a name of `rtc_widgets`, and derives from `RtcError`.",
        (
            "RtcError",
            "NotConnected",
            "CellGone",
            "StaleText",
            "StaleCell",
            "DocumentError",
            "UnknownDocumentType",
            "CommentRefused",
            "ChannelClosed",
            "ProtocolError",
            "FrameError",
            "StoreError",
        ),
    ),
)

# What a notebook has from its parents is told in groups; the heading of each, in this order.
GROUPS = {
    "Notebook": "As a whole",
    "CellSequence": "Cells",
    "Lookup": "Find cells",
    "Observable": "Hear of changes",
    "Undoable": "Undo",
    "AnnotatedNotebook": "Comments",
    "AnnotatedText": "Comments",
    "Annotated": "Comments",
    "Sociable": "People",
    "NotebookPeople": "People",
    "Handle": "Save, wait, close",
}

# Public for the package's own other modules, and of no use to those who call it.
OURS = {
    "": {"cell_handle", "running_cell_id"},
    "Annotated": {"cell_places", "mention_name", "on_change", "resolve_cell", "target", "thread"},
    "AnnotatedNotebook": {"cell_places", "resolve_cell", "target"},
    "AnnotatedText": {"target"},
    "Author": {"from_json", "to_json"},
    "Comment": {"value"},
    "Lines": {"reach"},
    "ChangeSubscription": {"add", "deliver", "drop"},
    "Output": {"clear", "pop", "popitem", "setdefault", "update"},  # these refuse
}
