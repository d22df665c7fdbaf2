"""What the server signed or one ran oneself is shown as it is, all else as JupyterLab shows what it does not trust."""

from __future__ import annotations

from playwright.sync_api import expect
from support.server import until


def rich(lab, name, *, signed):
    # A signature is of the content, so the two notebooks must differ in it.
    path = lab.notebook(name, f"show({name!r})")
    notebook = lab.read(path)
    html = (
        '<b class="made-by-script">no script ran</b><script>element.textContent = "the script ran"</script>'
    )
    script = 'element.textContent = "the script ran"'
    data = {"text/html": html, "application/javascript": script, "text/plain": "plain"}
    cell = notebook["cells"][0]
    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
    if signed:
        # A save through the API signs what a person says is trusted.
        cell["metadata"] = {"trusted": True}
        lab.api(f"/api/contents/{path}", "PUT", {"type": "notebook", "format": "json", "content": notebook})
    else:
        lab.write(path, notebook)
    return path


def test_a_signed_output_runs_its_script(lab, visit):
    path = rich(lab, "signed.ipynb", signed=True)
    for person in (visit(lab, path), visit(lab, path)):
        expect(person.cells.first.locator(".jp-OutputArea-output")).to_contain_text("the script ran")
        person.sees_no_dialog()


def test_an_unsigned_output_does_not(lab, visit):
    path = rich(lab, "unsigned.ipynb", signed=False)
    ada = visit(lab, path)
    output = ada.cells.first.locator(".jp-OutputArea-output")
    expect(output).not_to_be_empty()
    expect(output).not_to_contain_text("the script ran")


RUN = (
    "from IPython.display import HTML\n"
    "HTML('<b>made</b><script>document.currentScript.parentNode.append(\" by a script\")</script>')"
)


def marks(person):
    """Return what the cells' metadata say of trust in a page's replica of the notebook."""
    return person.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells.map(c => c.getMetadata().trusted ?? null)"
    )


def test_what_somebody_runs_is_trusted_in_nobody_elses_page(lab, visit):
    path = lab.notebook("ran.ipynb", RUN, "x = 1")
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run()
    shown, withheld = (person.cells.first.locator(".jp-OutputArea-output") for person in (ada, ben))
    expect(shown).to_contain_text("made by a script")
    expect(withheld).to_contain_text("made")
    expect(withheld).not_to_contain_text("by a script")
    # All else that Ada does arrives, her undo takes back what she typed, and her output stays as it is.
    ada.insert(" + 1", 1)
    ben.sees(1, "x = 1 + 1")
    ada.page.keyboard.press("Control+z")
    ben.sees(1, "x = 1")
    until(lambda: marks(ada) == marks(ben) == [None, None], "no mark is in the document")
    expect(shown).to_contain_text("made by a script")
    ada.save_whole()
    until(lambda: lab.read(path)["cells"][0]["outputs"], "the output is in the file")
    served = lab.api(f"/api/contents/{path}")["content"]["cells"]
    assert served[0]["metadata"]["trusted"] is False, "and the file is not signed"
    assert "trusted" not in (lab.root / path).read_text()
    late = visit(lab, path)
    expect(late.cells.first.locator(".jp-OutputArea-output")).not_to_contain_text("by a script")
    ben.trust()
    expect(withheld).to_contain_text("made by a script")
    for person in (ada, ben, late):
        person.sees_no_dialog()


def test_what_one_ran_alone_is_trusted_when_one_comes_back(lab, visit):
    path = lab.notebook("ran-alone.ipynb", RUN)
    ada = visit(lab, path)
    ada.run()
    output = ada.cells.first.locator(".jp-OutputArea-output")
    expect(output).to_contain_text("made by a script")
    ada.reload(path)
    expect(output).to_contain_text("made by a script")
    assert marks(ada) == [None]
    ada.save_whole()
    until(
        lambda: lab.api(f"/api/contents/{path}")["content"]["cells"][0]["metadata"]["trusted"],
        "her own runs are signed as ever",
    )
