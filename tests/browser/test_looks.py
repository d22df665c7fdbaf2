"""What is shown at the end of a cell can be read: in a light and a dark page, in a narrow one, and untrusted."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import Locator, expect
from support.looks import reads_well
from support.person import Person

from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.people import People, State

ADAPTIVE = '{"adaptive-theme": true}'
TITLE = "# Owls of the north\nHow many there are, and where."
READ = 'df = pd.read_csv("a_table_with_quite_a_long_name_that_somebody_once_gave_it_and_nobody_dared_to_change.csv")'
LONG = "def count(owls):\n" + "\n".join(f"    seen_{i} = owls[{i}]" for i in range(20))
LOAD = (
    "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"
    "both = nb.wait_for(lambda: len(nb.users) == 3, 20).result()\n"
    'nb[2].tags.update(["setup", "needs-network"])\nnb.status("counting")'
)
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SHOWN = ("nb", "nb[3]", "nb.users", "nb.sections", 'nb.grep("owls")', "nb[2].metadata", "nb.undo_stack")


@pytest.fixture
def adaptive(start_lab):
    """Return a server whose pages are as light or dark as their browsers."""
    lab = start_lab()
    (lab.work / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings").write_text(ADAPTIVE)
    return lab


def written(lab, name: str) -> str:
    v4 = nbformat.v4
    cells = [v4.new_markdown_cell(TITLE), *map(v4.new_code_cell, (LOAD, READ, LONG, *SHOWN))]
    nbformat.write(v4.new_notebook(cells=cells, metadata=METADATA), lab.root / name)
    return name


def notebook() -> Notebook:
    nb = Notebook.new()
    nb.append(TITLE, type="markdown")
    nb.append(LONG).tags.update(["setup", "needs-network"])
    nb.append(READ)
    colours = ("var(--jp-collaborator-color1)", "#123456", None)
    states = [
        State(
            number,
            1,
            {
                "user": {"username": f"u{number}", "name": "Ada Lovelace", "color": color},
                "activeCell": nb[2].id,
            },
        )
        for number, color in enumerate(colours, 1)
    ]
    nb.document.part(People).receive(states)
    return nb


def output(person: Person, index: int) -> Locator:
    return person.cells.nth(index).locator(".jp-OutputArea-output")


def test_what_cells_show_reads_well_in_light_and_dark(adaptive, visit, screenshots):
    path = written(adaptive, "owls.ipynb")
    size = {"width": 700, "height": 2400}
    ada = visit(adaptive, path, **size)
    ben = visit(adaptive, path, color_scheme="dark", **size)
    ben.editor(2).click()
    ada.run(1)
    expect(ada.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[1]:")
    for place in range(len(SHOWN)):
        ada.run(4 + place)
        expect(output(ada, 4 + place).locator("table, ul, pre").first).to_be_visible()
    for person, scheme in ((ada, "light"), (ben, "dark")):
        for place in range(len(SHOWN)):
            expect(output(person, 4 + place).locator("table, ul, pre").first).to_be_visible()
        person.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
        person.page.screenshot(path=screenshots / f"looks-{scheme}.png")
    for person in (ada, ben):
        for place in range(len(SHOWN)):
            reads_well(output(person, 4 + place))
        notebook = output(person, 4)
        expect(notebook.locator("thead th[scope=col]").first).to_have_text("Cell")
        expect(notebook.locator("tbody th[scope=row]").nth(2)).to_have_text("2")
        expect(notebook.locator("tbody tr").nth(4)).to_contain_text("▶ running")
        expect(output(person, 6).locator("li")).to_have_count(3)
    ada.sees_no_dialog()


def test_what_is_left_where_a_notebook_is_not_trusted(adaptive, visit, screenshots):
    nb = notebook()
    cells = [nbformat.v4.new_code_cell("shown") for _ in range(4)]
    for cell, shown in zip(cells, (nb, nb[1], nb.users, nb.grep("owls")), strict=True):
        data = {"text/html": shown._repr_html_(), "text/plain": repr(shown)}
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=METADATA), adaptive.root / "untrusted.ipynb"
    )
    ada = visit(adaptive, "untrusted.ipynb", width=700, height=1600, color_scheme="dark")
    expect(output(ada, 0).locator("tbody tr")).to_have_count(3)
    ada.page.screenshot(path=screenshots / "looks-untrusted.png")
    assert output(ada, 0).locator("table").get_attribute("aria-label") is None
    for place in range(len(cells)):
        reads_well(output(ada, place))
