"""Write docs/reference from the docstrings.

With --check nothing is written: what is out of date is named, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reference_pages import PAGES
from reference_source import ROOT, faults
from reference_text import contents, page_text

CURE = "Run ./scripts/build-reference and commit what it writes."


def reference() -> dict[str, str]:
    """Return the text of every page of the reference by the name of its file."""
    return {"README.md": contents()} | {f"{page.name}.md": page_text(page) for page in PAGES}


def out_of_date(folder: Path) -> list[str]:
    """Return the pages whose file is not as the docstrings have it, is missing, or is left over."""
    wanted = reference()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted | there if wanted.get(name) != there.get(name))


def main() -> int:
    """Write the reference, or check it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "reference")
    parser.add_argument("--check", action="store_true", help="write nothing; name what is out of date")
    options = parser.parse_args()
    if wanting := faults():
        print(*wanting, sep="\n")
        return 1
    if options.check:
        if stale := out_of_date(options.folder):
            print(f"docs/reference is out of date: {', '.join(stale)}. {CURE}")
        return bool(stale)
    options.folder.mkdir(exist_ok=True)
    for path in options.folder.glob("*.md"):
        path.unlink()
    for name, text in reference().items():
        (options.folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
