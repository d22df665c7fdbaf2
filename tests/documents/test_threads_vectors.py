"""What the annotations document holds is read as TypeScript reads it: labextension/test/comments/threads.test.ts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc

from rtc_widgets.documents.threads import read_people, read_threads

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "threads.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_threads_are_read_as_the_vectors_say(case: dict[str, Any]) -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(bytes.fromhex(case["update"]))
    threads = {id_: dataclasses.asdict(thread) for id_, thread in read_threads(doc).items()}
    for thread in threads.values():
        for happening in thread["happenings"]:
            del happening["op"]  # of which the page makes no use
    assert json.loads(json.dumps(threads)) == case["threads"]
    assert read_people(doc) == case["people"]
