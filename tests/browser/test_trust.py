"""Outputs that the server has signed are shown as they are, and others as JupyterLab shows what it does not trust."""

from __future__ import annotations

from playwright.sync_api import expect


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
