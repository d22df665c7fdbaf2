"""The store of the documentation passes its exam, by the test file that stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

RELIABILITY = (Path(__file__).parents[2] / "docs/reliability.md").read_text()


def test_the_store_of_the_documentation_passes_its_exam(tmp_path: Path) -> None:
    section = RELIABILITY.partition("## A store of your own")[2].partition("\n## ")[0]
    store, test = re.findall(r"```python no-run\n(.*?)```", section, re.DOTALL)
    assert len(test.splitlines()) < 20
    (tmp_path / "test_compressed.py").write_text(store + test)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed and int(passed[1]) >= 15, ended.stdout
