"""A connection that breaks, stalls or goes without a word, while people work: nothing is lost, nothing is doubled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect
from support.person import IN_BOTH, Person
from support.server import Server, until


def _all_agree(lab: Server, path: str, expected: list[str], *people: Person) -> None:
    """Wait until everybody's screen and the file hold this, each cell once."""
    for person in people:
        until(lambda: person.sources() == expected, lambda: f"{person.sources()} is {expected}", 40)  # noqa: B023
    until(lambda: lab.sources(path) == expected, f"the file holds {expected}", 40)


def _others(person: Person) -> Locator:
    """Return the faces of others: gone as soon as a tab has noticed that it is alone."""
    return person.page.get_by_role("group", name="Others in this document")


def _select(person: Person, index: int) -> None:
    """Select one cell, in command mode."""
    person.cells.nth(index).locator(".jp-InputPrompt").click()


@pytest.mark.parametrize("how", [pytest.param("cut", marks=pytest.mark.oldest), "swallow"])
def test_two_people_work_on_while_one_has_no_network(lab, visit, behind, how):
    path = lab.notebook(f"offline-{how}.ipynb", "a", "b", "c", "d", "print(6 * 7)")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    expect(_others(ada)).to_be_visible()
    ada.is_told_that_the_server_is_away()
    getattr(network, how)()
    # Of a connection that is gone without a word there is a word within seconds.
    expect(_others(ada)).to_be_hidden()

    ada.type(" ada", 0)
    ben.type("ben ", 0, end=False)
    ada.type(" ada", 1)
    ben.type(" ben", 2)
    _select(ada, 3)
    ada.execute("notebook:delete-cell")
    ada.execute("notebook:insert-cell-above")
    ada.type("new", 3)
    ben.run(4)
    ben.sees_output(4, "42")
    assert ada.sources() == ["a1 ada", "b ada", "c", "new", "print(6 * 7)"]

    network.restore()
    expected = ["ben a1 ada", "b ada", "c ben", "new", "print(6 * 7)"]
    _all_agree(lab, path, expected, ada, ben)
    ada.sees_output(4, "42")
    expect(_others(ada)).to_be_visible()
    for person in (ada, ben):
        person.editor(0).click(trial=True)  # behind JupyterLab's own dialog, if it is there still
        person.sees_no_dialog()


# A disk that takes a second for each commit.
SLOW_DISK = """
import asyncio
from rtc_widgets.stores.sqlite import SqliteStore

append = SqliteStore.append

async def append_slowly(self, *args, **options):
    await asyncio.sleep(1)
    return await append(self, *args, **options)

SqliteStore.append = append_slowly
"""


@pytest.mark.parametrize("disk", ["quick", "slow"])
def test_what_is_typed_in_a_cell_that_the_other_deletes_or_moves_is_kept(lab, start_lab, visit, behind, disk):
    if disk == "slow":
        # What is typed is at the server, and not acknowledged, when the one who deleted its cell is back.
        lab = start_lab(config=SLOW_DISK)
    path = lab.notebook("crossed.ipynb", "a", "b", "c", "d", "e")
    network = behind(lab)
    ada, ben = visit(network, path), visit(lab, path)
    ada.type("1")
    ben.sees(0, "a1")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(_others(ada)).to_be_hidden()
    # Ada types where Ben deletes and moves,
    ada.type(" ada", 1)
    ada.type(" ada", 4)
    _select(ben, 1)
    ben.execute("notebook:delete-cell")
    _select(ben, 3)
    ben.execute("notebook:move-cell-up")
    until(lambda: lab.sources(path) == ["a1", "c", "e", "d"], "Ben's are on disk")
    # and deletes and moves where Ben types.
    _select(ada, 2)
    ada.execute("notebook:delete-cell")
    _select(ada, 2)
    ada.execute("notebook:move-cell-up")
    ben.type(" ben", 1)
    ben.type(" ben", 3)
    assert ada.sources() == ["a1", "d", "b ada", "e ada"]
    network.restore()

    def _everything() -> bool:
        return all(
            sorted(person.sources()) == ["a1", "b ada", "c ben", "d ben", "e ada"] for person in (ada, ben)
        )

    until(_everything, lambda: f"{ada.sources()}, {ben.sources()}", 40)
    until(lambda: ada.sources() == ben.sources() == lab.sources(path), "both and the file have one order")
    assert _everything()
    expect(ada.toast("deleted or moved while somebody typed")).to_be_visible()


@IN_BOTH
def test_an_hour_of_work_meets_a_room_that_was_closed_and_a_file_that_was_changed(
    start_lab, visit, behind, at
):
    lab = start_lab(options=["--RelayApp.close_delay=0.1"])
    path = lab.notebook("hour.ipynb", "a", "b", "c")
    network = behind(lab)
    ada = visit(network, path, at=at)
    ada.type("1")
    until(lambda: lab.sources(path)[0] == "a1", "the file follows")
    ada.is_told_that_the_server_is_away()
    network.cut()
    expect(ada.page.get_by_role("button", name="Reconnecting")).to_be_visible(timeout=40_000)
    # As much as is typed in an hour, and faster.
    ada.page.evaluate(
        """() => {
            const { cells } = window.jupyterapp.shell.currentWidget.content.model;
            const text = cells.get(0).sharedModel;
            for (let index = 0; index < 3000; index += 1) {
                const { length } = text.getSource();
                text.updateSource(length, length, index % 60 ? "x" : "\\n");
            }
        }"""
    )
    ada.execute("notebook:insert-cell-below")
    ada.type("new", 1)
    notebook = lab.read(path)
    notebook["cells"][1]["source"] = "b outside"
    notebook["cells"].append({**notebook["cells"][2], "id": "outside", "source": "d outside"})
    lab.write(path, notebook)
    typed = ada.sources()[0]
    assert len(typed) > 3000
    network.restore()
    _all_agree(lab, path, [typed, "new", "b outside", "c", "d outside"], ada)


def test_a_cell_that_runs_while_the_network_is_away_shows_its_output_once(lab, visit, behind):
    """The server keeps what the kernel says for a tab that comes back, as long as no other tab listens to it."""
    code = (
        "import pathlib, time\nfor i in range(40):\n"
        "    while i == 4 and not pathlib.Path('away').exists(): time.sleep(0.01)\n"
        "    print('line', i)\n    time.sleep(0.1)"
    )
    path = lab.notebook("output.ipynb", code)
    network = behind(lab)
    ada = visit(network, path)
    ada.is_told_that_the_server_is_away()
    ada.run(0)
    # What is on its way when the connection breaks, nobody has: nothing is.
    ada.sees_output(0, "line 3")
    network.cut()
    expect(ada.page.get_by_role("button", name="Reconnecting")).to_be_visible()
    (lab.root / "away").touch()
    network.restore()
    expect(ada.cells.nth(0).locator(".jp-OutputArea-output")).to_contain_text("line 39", timeout=60_000)
    expected = "".join(f"line {index}\n" for index in range(40))

    def _on_disk() -> bool:
        return ["".join(output["text"]) for output in lab.read(path)["cells"][0]["outputs"]] == [expected]

    until(_on_disk, "each line once")
