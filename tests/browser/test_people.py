"""Where people are in their browsers is known to the code that they run."""

from __future__ import annotations

LOAD = "%load_ext rtc_widgets\nimport rtc_widgets\nnb = rtc_widgets.notebook()\n"


def test_the_active_cell_is_that_of_the_person_who_runs(lab, visit):
    path = lab.notebook(
        "whereabouts.ipynb",
        LOAD + "print('connected')",
        "# here",
        "nb.wait_for(lambda: nb.active and nb.active.index == 2, 20).result()\nprint('active', nb.active.index)",
        "# there",
        "print('kinds', sorted(person.kind for person in nb.users.values()))",
    )
    ada, ben = visit(lab, path), visit(lab, path)
    ada.run(0)
    ada.sees_output(0, "connected")
    ben.editor(3).click()
    ada.run(2)
    ada.sees_output(2, "active 2")
    ada.run(4)
    ada.sees_output(4, "kernel")
    for person in (ada, ben):
        person.sees_no_dialog()
