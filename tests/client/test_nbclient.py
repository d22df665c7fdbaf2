"""Headless runs of notebooks that edit themselves: nbclient, nbconvert and papermill on real kernels."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import rtc_widgets
from rtc_widgets.client.nbclient import LiveNotebookClient
from rtc_widgets.documents.mirror import from_mirror

ROOT = Path(__file__).parents[2]
PATHS = "print(rtc_widgets.kernel.extension.current().paths)"
HANDLE = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)


def notebook(*sources, minor=5):
    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if minor < 5:
        nb.nbformat_minor = minor
        for cell in nb.cells:
            del cell["id"]
    return nb


async def run(nb, client=LiveNotebookClient, **options):
    await client(nb, timeout=50, **options).async_execute()
    nbformat.validate(nb)
    return nb


def sources(nb):
    return [cell.source for cell in nb.cells]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


async def test_what_the_kernel_edits_is_in_the_notebook():
    nb = notebook(
        HANDLE + "nb[1].source = \"print('new')\"\nnb[1].metadata = {'tags': ['made']}\n"
        "nb.append('# The end 🦉', type='markdown')\nnb.metadata = {**nb.metadata, 'title': 'Owls'}",
        "print('old')",
    )
    first, second = nb.cells
    await run(nb)
    assert nb.cells[0] is first and nb.cells[1] is second
    assert second.source == "print('new')" and printed(second) == "new\n"
    assert second.metadata.tags == ["made"]
    assert nb.cells[2].cell_type == "markdown" and nb.cells[2].source == "# The end 🦉"
    assert nb.metadata.title == "Owls" and nb.metadata.kernelspec.name == "python3"


async def test_many_edits_to_the_last_statement_arrive_before_the_next_cell_is_picked():
    nb = notebook(HANDLE, "for i in range(300): nb[2].source = f'print({i})'", "raise RuntimeError")
    await run(nb)
    assert printed(nb.cells[2]) == "299\n"


async def test_a_late_answer_is_not_taken_for_that_to_the_next_question(monkeypatch):
    monkeypatch.setattr("rtc_widgets.client.headless.PATIENCE", 0.5)
    nb = notebook(HANDLE)
    client = LiveNotebookClient(nb, timeout=50)
    async with client.async_setup_kernel():
        await client.async_execute_cell(nb.cells[0], 0)
        relay, kernel = client._relay, client.km.provisioner.process
        kernel.send_signal(signal.SIGSTOP)
        try:
            frames = []
            send = relay._link.send
            monkeypatch.setattr(relay._link, "send", lambda to, some: [frames.extend(some), send(to, some)])
            settling = asyncio.create_task(relay.settle())
            async with asyncio.timeout(20):
                while sum(frame.startswith(b"\0\0") for frame in frames) < 2:  # two questions
                    await asyncio.sleep(0.01)
        finally:
            kernel.send_signal(signal.SIGCONT)
        await settling
        assert relay._answered <= relay._asked, (
            "an answer is left over, and would be that to the next question"
        )


async def test_an_inserted_cell_is_executed_and_a_deleted_one_is_not():
    nb = notebook(
        HANDLE + "nb.insert(0, 'raise RuntimeError')\nnb.insert(2, \"print('inserted')\")\nnb.delete(nb[3])",
        "raise RuntimeError('deleted')",
        "print('last')",
    )
    await run(nb)
    assert [printed(cell) for cell in nb.cells] == ["", "", "inserted\n", "last\n"]
    assert [cell.execution_count for cell in nb.cells] == [None, 1, 2, 3]


async def test_no_cell_is_executed_twice_wherever_it_is_moved():
    nb = notebook("print('a')", HANDLE + "nb[0].move(after=nb[2])\nnb[0].index", "print('b')", "print('c')")
    await run(nb)
    assert sources(nb)[1:] == ["print('b')", "print('a')", "print('c')"]
    assert [cell.execution_count for cell in nb.cells] == [2, 3, 1, 4]


async def test_a_cell_that_deletes_itself_and_those_before_is_followed_by_the_next():
    nb = notebook("1", HANDLE + "print('x')\nnb.delete(nb[1])\nnb.delete(nb[0])", "print('next')")
    await run(nb)
    assert sources(nb) == ["print('next')"] and printed(nb.cells[0]) == "next\n"


async def test_the_code_knows_its_cell_and_reads_earlier_outputs():
    nb = notebook(
        "print('earlier')",
        HANDLE + "print(nb.running_cell_id == nb[1].id, nb[0].outputs[0]['text'])",
        "print([cell.execution_count for cell in nb][:2], len(nb[1].outputs))",
    )
    await run(nb)
    assert printed(nb.cells[1]) == "True earlier\n\n"
    assert printed(nb.cells[2]) == "[1, 2] 1\n"


async def test_displays_are_updated_where_their_cell_has_gone():
    nb = notebook(
        HANDLE + "shown = display('before', display_id=True)",
        "nb.insert(0, 'x', type='markdown')\nnb.insert(0, 'y', type='markdown')",
        "shown.update('after')",
    )
    await run(nb)
    assert nb.cells[2].outputs[0].data["text/plain"] == "'after'"


async def test_a_display_of_a_deleted_cell_does_not_end_the_run():
    nb = notebook(
        HANDLE + "shown = display('before', display_id=True)", "nb.delete(nb[0])", "shown.update('after')"
    )
    assert len((await run(nb)).cells) == 2


async def test_an_error_leaves_the_edits_made_so_far():
    nb = notebook(HANDLE + "nb[1].source = 'edited'\nnb.append('appended')\n1 / 0", "2", "3")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        await run(nb)
    assert sources(nb)[1:] == ["edited", "3", "appended"]
    assert nb.cells[0].outputs[-1].ename == "ZeroDivisionError"
    nbformat.validate(nb)


async def test_errors_may_be_allowed_and_cells_be_skipped_as_ever():
    nb = notebook(
        HANDLE + "nb[2].metadata = {'tags': ['skip-execution']}", "1 / 0", "raise SystemExit", "print(4)"
    )
    await run(nb, allow_errors=True)
    assert nb.cells[1].outputs[0].output_type == "error"
    assert nb.cells[2].outputs == [] and printed(nb.cells[3]) == "4\n"


async def test_a_dead_kernel_ends_the_run_with_the_edits_that_had_arrived():
    nb = notebook(HANDLE + "nb[1].source = 'import os; os._exit(1)'", "2", "3")
    with pytest.raises(DeadKernelError):
        await run(nb)
    assert sources(nb)[1:] == ["import os; os._exit(1)", "3"]


async def test_two_runs_at_once_do_not_meet():
    many = [notebook(HANDLE + f"nb[1].source = 'print({i})'\nnb.append('{i}')", "") for i in range(2)]
    await asyncio.gather(*(run(nb) for nb in many))
    assert [printed(nb.cells[1]) for nb in many] == ["0\n", "1\n"]
    assert [len(nb.cells) for nb in many] == [3, 3]


async def test_a_notebook_of_4_4_keeps_its_format():
    nb = notebook(
        HANDLE + "nb[1].source = 'print(1)'\nnb.append('print(2)')\nprint(nb.running_cell_id == nb[0].id)",
        "",
        minor=4,
    )
    await run(nb)
    assert nb.nbformat_minor == 4 and not any("id" in cell for cell in nb.cells)
    assert [printed(cell) for cell in nb.cells] == ["True\n", "1\n", "2\n"]


async def test_cells_without_ids_get_them():
    nb = notebook("1", "2")
    for cell in nb.cells:
        del cell["id"]
    await run(nb)
    assert len({cell.id for cell in nb.cells}) == 2


async def test_hooks_see_true_indexes_and_may_write():
    seen = []

    def on_cell_start(cell, cell_index):
        seen.append((cell_index, cell.source[:5]))
        cell.metadata["seen"] = True

    nb = notebook(HANDLE + "nb.insert(0, 'intro', type='markdown')", "1", "print(nb[2].metadata['seen'])")
    await run(nb, on_cell_start=on_cell_start)
    assert seen == [(0, "%load"), (2, "1"), (3, "print")]
    assert printed(nb.cells[3]) == "True\n"


async def test_timing_widgets_and_unrelated_notebooks_are_as_with_nbclient():
    cells = ["1 + 1", "print('x\\r\\n')", "display(2)"]
    live, stock = notebook(*cells), notebook(*cells)
    live.cells[0].metadata.trusted = True
    live.cells.insert(0, new_markdown_cell("a\r\nb"))
    for cell in live.cells[1:]:
        cell.outputs = [new_output("stream", name="stdout", text="before")]
    await run(live)
    await run(stock, nbclient.NotebookClient)
    assert live.cells[0].source == "a\r\nb"
    assert [cell.outputs for cell in live.cells[1:]] == [cell.outputs for cell in stock.cells]
    assert live.cells[1].metadata.trusted and "iopub.status.idle" in live.cells[1].metadata.execution
    assert live.metadata == stock.metadata


async def test_edits_by_a_thread_between_cells_are_in_the_result():
    nb = notebook(
        HANDLE + "import threading\ndone = threading.Event()\n"
        "def work():\n    done.wait()\n    nb[-1].source = '1 # by a thread'\n"
        "thread = threading.Thread(target=work)\nthread.start()",
        "done.set()\nthread.join()",
        "pass # last",
    )
    await run(nb)
    assert nb.cells[2].source == "1 # by a thread"


async def test_comments_are_in_the_notebooks_metadata_afterwards(tmp_path):
    nb = notebook(
        HANDLE
        + "nb[1].source = 'print(0.25)'\nthread = nb[1].comment('Why?', on='0.25')\nprint(thread.number)",
        "print(0.5)",
        "thread.reply('So.', resolve=True)\nnb.comment('All of it.')\n"
        "print(len(nb.comments), nb.comments.resolved[1].quote, thread.author.kind, len(nb.comments.unread))\n"
        "nb.metadata['rtc_widgets'] = {'other': 1}",
    )
    await run(nb)
    assert [printed(cell) for cell in nb.cells] == ["1\n", "0.25\n", "2 0.25 kernel 0\n"]
    assert nb.metadata.rtc_widgets.other == 1
    first, second = from_mirror(nb.metadata)
    assert [one.body for one in first.comments] == ["Why?", "So."] and first.state == "resolved"
    assert second.comments[0].body == "All of it." and first.anchor["cell"] == nb.cells[1].id
    assert {one.by.kind for one in (*first.comments, *second.comments)} == {"kernel"}
    # What one run says the next one knows, and so does whoever opens the file.
    nb.cells[:] = notebook(
        HANDLE + "print([comment.body for comment in nb.comments[1].comments])\nnb.comments[2].delete()\n"
        "print('rtc_widgets' in nb.metadata and 'comments' in nb.metadata['rtc_widgets'])"
    ).cells
    await run(nb)
    assert printed(nb.cells[0]) == "['Why?', 'So.']\nFalse\n"
    nbformat.write(nb, tmp_path / "a.ipynb")
    with rtc_widgets.local(tmp_path / "a.ipynb") as live:
        assert [thread.body for thread in live.comments] == ["Why?"]
    nb.cells[:] = notebook(
        HANDLE + "nb.comments.strip()\n"
        "try: nb.comment('Where?')\nexcept rtc_widgets.RtcError as error: print(error)"
    ).cells
    await run(nb)
    assert nb.metadata.rtc_widgets == {"other": 1} and "nothing but its metadata" in printed(nb.cells[0])


async def test_a_run_that_says_nothing_leaves_the_comments_as_they_are():
    for page in ({"items": [{"type": "Annotation", "body": "Of another tool"}], "more": 1}, "damaged", [1]):
        nb = notebook(HANDLE + "nb.metadata['title'] = 'x'\nprint(len(nb.comments))", "1")
        nb.metadata["rtc_widgets"] = nbformat.from_dict({"comments": page})
        await run(nb)
        assert printed(nb.cells[0]) == ("1\n" if isinstance(page, dict) else "0\n")
        assert nb.metadata.rtc_widgets.comments == page and nb.metadata.title == "x"


async def test_a_run_gives_the_kernel_its_notebook_and_no_other_file():
    nb = notebook(
        HANDLE + "try: rtc_widgets.open('other.md', timeout=20)\n"
        "except rtc_widgets.RtcError as error: print(error)"
    )
    await run(nb)
    assert "no other file" in printed(nb.cells[0])


async def test_saving_is_nobodys_fault_and_the_extension_may_be_unloaded():
    nb = notebook(HANDLE + "nb[1].source = 'pass'\n%unload_ext rtc_widgets", "raise RuntimeError", "1")
    await run(nb)
    assert sources(nb)[1:] == ["pass", "1"]


def test_without_a_loop_it_runs_too():
    nb = notebook(HANDLE + "nb.append('print(1)')")
    assert LiveNotebookClient(nb, timeout=50).execute() is nb
    assert printed(nb.cells[1]) == "1\n"


# Others' clients, told to use ours


def test_nbconvert(tmp_path):
    nbconvert = pytest.importorskip("nbconvert")
    from rtc_widgets.client.nbconvert import LiveExecutePreprocessor

    nb = notebook(HANDLE + f"nb.insert(0, 'intro', type='markdown')\nnb.append({PATHS!r})")
    path = tmp_path / "a.ipynb"
    nbformat.write(nb, path)
    exporter = nbconvert.NotebookExporter(preprocessors=[LiveExecutePreprocessor])
    text, _ = exporter.from_filename(str(path))
    result = nbformat.reads(text, as_version=4)
    assert sources(result)[::2] == ["intro", PATHS] and printed(result.cells[2]) == "['a.ipynb']\n"


def papermill_run(tmp_path, nb, engine, **parameters):
    papermill = pytest.importorskip("papermill")
    from rtc_widgets.client.papermill import LiveEngine

    papermill.engines.papermill_engines.register("rtc_widgets", LiveEngine)
    source, result = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    nbformat.write(nb, source)
    try:
        papermill.execute_notebook(
            str(source), str(result), parameters=parameters, engine_name=engine, progress_bar=False
        )
    finally:
        written = nbformat.read(result, as_version=4)
    return written


def test_papermill(tmp_path):
    nb = notebook(
        HANDLE + "nb.insert(0, 'intro', type='markdown')\nnb.append(f'print({x})')\nnb[2].metadata = {}\n"
        "nb[0].comment(f'For {x}')",
        "",
    )
    result = papermill_run(tmp_path, nb, "rtc_widgets", x=7)
    assert sources(result)[0] == "intro" and printed(result.cells[-1]) == "7\n"
    assert result.cells[-1].metadata.papermill.status == "completed"
    (thread,) = from_mirror(result.metadata)
    assert thread.comments[0].body == "For 7" and thread.anchor["cell"] == result.cells[0].id


def test_papermill_writes_the_edits_made_before_an_error(tmp_path):
    papermill = pytest.importorskip("papermill")
    nb = notebook(HANDLE + "nb[1].source = 'edited'\n1 / 0", "")
    with pytest.raises(papermill.PapermillExecutionError):
        papermill_run(tmp_path, nb, "rtc_widgets")
    assert sources(nbformat.read(tmp_path / "b.ipynb", as_version=4))[-1] == "edited"


# Those that are not told

PLAIN = (
    "import rtc_widgets\nprint(rtc_widgets.notebook(required=False, timeout=0.2))\n"
    "try: rtc_widgets.notebook(timeout=0.2)\nexcept rtc_widgets.NotConnected as error: print(error)"
)


def check_plain(nb):
    text = printed(nb.cells[-1])
    assert text.startswith("None\n") and "LiveNotebookClient" in text


async def test_stock_nbclient():
    check_plain(await run(notebook(PLAIN), nbclient.NotebookClient))


async def test_stock_nbclient_fails_fast():
    with pytest.raises(CellExecutionError, match="LiveNotebookClient"):
        await run(notebook("import rtc_widgets\nrtc_widgets.notebook()"), nbclient.NotebookClient)


def test_stock_nbconvert():
    preprocessors = pytest.importorskip("nbconvert.preprocessors")
    nb = notebook(PLAIN)
    preprocessors.ExecutePreprocessor(timeout=50).preprocess(nb, {})
    check_plain(nb)


def test_stock_papermill(tmp_path):
    check_plain(papermill_run(tmp_path, notebook(PLAIN), "nbclient"))
