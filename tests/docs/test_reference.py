"""The reference says what the docstrings say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "build_reference.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_reference_is_what_the_docstrings_say():
    checked = build("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "reference"))


def test_what_is_out_of_date_is_named_with_the_cure(copy):
    page = copy / "cell.md"
    page.write_text(page.read_text().replace("Delete the cell, for everybody.", "Delete the cell."))
    (copy / "people.md").unlink()
    (copy / "of-old.md").touch()
    checked = build("--check", copy)
    assert checked.returncode == 1
    assert checked.stdout == (
        "docs/reference is out of date: cell.md, of-old.md, people.md. "
        "Run ./scripts/build-reference and commit what it writes.\n"
    )


def test_building_again_brings_it_up_to_date(copy):
    (copy / "people.md").write_text("old")
    (copy / "of-old.md").touch()
    assert build(copy).returncode == 0
    assert {path.name: path.read_text() for path in copy.iterdir()} == {
        path.name: path.read_text() for path in REFERENCE.iterdir()
    }
