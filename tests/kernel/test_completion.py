"""What a person gets for a press of TAB, from a real completer over real notebooks."""

from __future__ import annotations

import pytest
from support.kernels import Notebook as Shared
from support.kernels import cell
from support.shell import completed, ipython

import rtc_widgets
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.kernel.completion import Completion, _Definitions

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook(timeout=20)\n"


@pytest.fixture
def nb():
    """A notebook with something of each kind that has a name."""
    nb = Notebook.new()
    nb.append(
        {"cell_type": "code", "id": "0a1b2c3d-load", "source": "import pandas as pd\ndf = pd.DataFrame()"}
    )
    nb.append({"cell_type": "markdown", "id": "0a1b2c3d-text", "source": "# Results\n## Owls 🦉"})
    nb.append({"cell_type": "code", "id": "9e107d9d-372b", "source": "def plot(df):\n    inner = 1"})
    nb[0].tags.add("setup")
    nb[0].metadata["slideshow"] = {"slide_type": "skip"}
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nb.status("here")  # with a name from now on
    return nb


@pytest.fixture(params=[False, True], ids=["runtime", "jedi"])
def shell(request, tmp_path, nb):
    """A shell that completes what the notebook holds; with jedi, too, where IPython has it on."""
    shell = ipython(tmp_path)
    shell.Completer.use_jedi = request.param
    shell.user_ns |= {"nb": nb, "rtc_widgets": rtc_widgets, "notebook": rtc_widgets.notebook}
    completion = Completion(shell)
    yield shell
    completion.remove()


IDS = ['nb["0a1b2c3d-l', 'nb["0a1b2c3d-t', 'nb["9e107d9d']


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ('nb["', ['nb["#setup', *IDS]),
        ('nb["#s', ['nb["#setup']),
        ('nb["9', ['nb["9e107d9d']),
        ('print(nb["0', ['print(nb["0a1b2c3d-l', 'print(nb["0a1b2c3d-t']),
        ('nb.sections["', ['nb.sections["Owls 🦉', 'nb.sections["Results']),
        ('nb.sections["Results"]["O', ['nb.sections["Results"]["Owls 🦉']),
        ('nb[0].metadata["', ['nb[0].metadata["slideshow', 'nb[0].metadata["tags']),
        ('nb["#setup"].metadata["slideshow"]["', ['nb["#setup"].metadata["slideshow"]["slide_type']),
        ('nb.metadata["kernelspec"]["d', ['nb.metadata["kernelspec"]["display_name']),
        ('x = 1\nnb[0].metadata["t', ['x = 1\nnb[0].metadata["tags']),
        ('nb.defining("', ['nb.defining("df', 'nb.defining("pd', 'nb.defining("plot']),
        ("x = nb.defining('p", ["x = nb.defining('pd", "x = nb.defining('plot"]),
        ("%rtc ", ["%rtc doctor", "%rtc help", "%rtc sync", "%rtc who"]),
        ("%rtc s", ["%rtc sync"]),
        ("x = 1\n%rtc w", ["x = 1\n%rtc who"]),
    ],
)
def test_what_may_stand_there_is_offered(shell, typed, offered):
    assert sorted(completed(shell, typed)) == sorted(offered)


def test_usernames_are_offered(shell, nb):
    [me] = nb.users
    assert completed(shell, 'nb.users["') == [f'nb.users["{me}']
    shell.user_ns["notes"] = LiveText(LiveDocument())
    shell.user_ns["notes"].status("here")
    assert completed(shell, 'notes.users["') == [f'notes.users["{me}']


def test_keys_of_outputs_and_attachments_are_offered(shell, nb):
    nb[0].outputs.append({"output_type": "stream", "name": "stdout", "text": "1"})
    assert completed(shell, 'nb[0].outputs[0]["n') == ['nb[0].outputs[0]["name']
    nb[1].attachments["owl.png"] = {"image/png": "aGk="}
    assert completed(shell, 'nb[1].attachments["') == ['nb[1].attachments["owl.png']


@pytest.mark.parametrize(
    "typed", ["nb[0].met", 'nb["#setup"].met', "nb.code[0].met", 'nb.sections["Results"][0].met']
)
def test_attributes_are_offered_of_what_a_key_gives(shell, typed):
    shell.Completer.use_jedi = False  # which goes by the types that it reads in the source
    assert completed(shell, typed) == [typed + "adata"]


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("%rtc who s", "%rtc who sync"),
        ("%undo s", "%undo sync"),
        ("rtc = s", "rtc = sync"),
        ('other.defining("p', 'other.defining("plot'),
        ('x.nb.defining("p', 'x.nb.defining("plot'),
        ('nb["#nowhere', 'nb["#setup'),
        ('nb.defining("inn', 'nb.defining("inner'),
    ],
)
def test_what_may_not_stand_there_is_not(shell, typed, wrong):
    assert wrong not in completed(shell, typed)


@pytest.mark.parametrize(
    "typed",
    [
        "nb.pop(0).",
        'nb.append("new").',
        "nb.clear().",
        "nb.undo().",
        'nb[0].metadata.pop("tags").',
        'nb[0].tags.pop()["',
        'nb[0].text.replace("pd", "p").',
        'nb[0].lines.pop(0)["',
        'nb[0].source = "new"\nnb[0].',
        'nb["#setup"] = "new"\nnb["',
        "nb += ['new']\nnb[0].",
        "del nb[0]\nnb[0].",
    ],
)
def test_completing_changes_nothing(shell, nb, typed):
    before = nb.to_dict()
    completed(shell, typed)
    assert nb.to_dict() == before


def test_what_is_gone_offers_nothing_and_raises_nothing(shell, nb, capsys):
    shell.user_ns |= {"cell": nb[0], "metadata": nb[0].metadata, "section": nb.sections[0]}
    nb.clear()
    for typed in (
        'metadata["',
        'cell.metadata["',
        'section["',
        'nb["',
        'nb.sections["',
        'nb.defining("',
    ):
        assert all(
            name not in line for line in completed(shell, typed) for name in ("#setup", "tags", "Owls")
        )
    assert capsys.readouterr().err == ""


def test_afterwards_the_completer_is_as_before(tmp_path, nb):
    shell = ipython(tmp_path)
    shell.Completer.use_jedi = False
    shell.user_ns["nb"] = nb
    before = list(shell.Completer.custom_matchers), dict(shell.Completer.policy_overrides)
    completion = Completion(shell)
    assert completed(shell, 'nb[0].metadata["t')
    completion.remove()
    completion.remove()
    assert (shell.Completer.custom_matchers, shell.Completer.policy_overrides) == before
    assert "%rtc sync" not in completed(shell, "%rtc s")
    assert not any("metadata" in line for line in completed(shell, "nb[0].met"))
    assert 'nb["#setup' in completed(shell, 'nb["')  # the handle's own


def test_what_others_have_set_is_kept(tmp_path, nb):
    shell = ipython(tmp_path)
    shell.Completer.policy_overrides = {"allow_auto_import": True, "allowed_getattr": {dict}}
    completion = Completion(shell)
    shell.Completer.use_jedi = False
    shell.user_ns["nb"] = nb
    assert completed(shell, 'nb[0].metadata["t') == ['nb[0].metadata["tags']
    completion.remove()
    assert shell.Completer.policy_overrides == {"allow_auto_import": True, "allowed_getattr": {dict}}

    completion = Completion(shell)
    shell.Completer.policy_overrides = {"allow_auto_import": False}
    completion.remove()
    assert shell.Completer.policy_overrides == {"allow_auto_import": False}


def test_a_completer_that_may_evaluate_nothing_is_left_alone(tmp_path, nb, recwarn):
    shell = ipython(tmp_path)
    shell.Completer.use_jedi = False
    shell.Completer.evaluation = "minimal"
    shell.user_ns["nb"] = nb
    completion = Completion(shell)
    assert not any("tags" in line for line in completed(shell, 'nb[0].metadata["t'))
    assert completed(shell, "%rtc s") == ["%rtc sync"]
    completion.remove()
    assert not recwarn.list


def test_an_ipython_from_before_matchers_completes_the_keys_alone(tmp_path, nb, monkeypatch):
    monkeypatch.delattr("IPython.core.completer.context_matcher")
    shell = ipython(tmp_path)
    shell.user_ns["nb"] = nb
    completion = Completion(shell)
    assert completed(shell, 'nb["#s') == ['nb["#setup']
    assert "%rtc sync" not in completed(shell, "%rtc s")
    completion.remove()


def test_of_ten_thousand_cells_a_thousand_are_parsed_at_a_time(shell):
    big = Notebook.new()
    big += [
        {"cell_type": "code", "source": f"name_{n} = {n}", "metadata": {"tags": [f"t{n % 9}"]}}
        for n in range(10_000)
    ]
    shell.user_ns["big"] = big
    assert len(completed(shell, 'big["#')) == 9
    assert completed(shell, f'big["{big[4711].id[:8]}') == [f'big["{big[4711].id[:8]}']
    assert completed(shell, 'big.defining("name_4711') == ['big.defining("name_4711']
    definitions = big.document.part(_Definitions)
    found = definitions.beginning("name_")
    assert len(found) == 1001 and "name_9000" in found
    for _ in range(10):
        found = definitions.beginning("name_")
    assert len(found) == 10_000
    big[0].source = "renamed = 0"
    assert "name_0" not in definitions.beginning("name_") and definitions.beginning("ren") == ["renamed"]
    assert len(definitions._known) == 10_000  # and the source that was is forgotten


async def test_in_a_kernel(kernel, hub, notebook):
    other = Shared("work/other.ipynb", [cell("y = 1", "other-0")])
    hub.add(other)
    await kernel.run(CONNECT + "nb[0].tags.add('setup')")

    async def offered(code):
        reply = await complete(kernel, code)
        return [code[: reply["cursor_start"]] + match for match in reply["matches"]]

    assert await offered('nb["') == ['nb["#setup', 'nb["cell-0', 'nb["cell-1']
    assert await offered('nb.users["k') == ['nb.users["kernel']
    assert "%undo" in await offered("%und")
    assert await offered("%rtc s") == ["%rtc sync"]
    assert set(await offered("%undo work/")) == {"%undo work/a.ipynb", "%undo work/other.ipynb"}
    assert await offered('rtc_widgets.notebook("wor') == [
        'rtc_widgets.notebook("work/a.ipynb',
        'rtc_widgets.notebook("work/other.ipynb',
    ]
    await kernel.run("%unload_ext rtc_widgets")
    assert "%undo" not in await offered("%und")
    assert "%rtc sync" not in await offered("%rtc s")


async def complete(kernel, code):
    """Press TAB behind *code*, as a tab does."""
    msg_id = kernel.client.complete(code)
    while True:
        message = await kernel.client.get_shell_msg(timeout=60)
        if message["parent_header"].get("msg_id") == msg_id:
            return message["content"]
