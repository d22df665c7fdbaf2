"""The build hook: what is built when, and what a builder without Node.js is told."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

pytest.importorskip("hatch_jupyter_builder", reason="the build hook's own needs are in the extra `dev`")


@pytest.fixture
def hook() -> ModuleType:
    spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_node(folder: Path, answer: str) -> str:
    """Return a PATH on which ``node`` prints *answer*."""
    node = folder / "node"
    node.write_text(f"#!/bin/sh\necho '{answer}'\n")
    node.chmod(0o755)
    return str(folder)


def test_no_node_is_one_sentence_with_the_cure(hook: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        hook.check_node(str(tmp_path))
    sentence = str(refused.value)
    assert "no Node.js on PATH" in sentence
    assert "install Node.js 20.19 (or 22.12) or newer" in sentence
    assert "pip install rtc_widgets" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("answer", ["v18.20.4", "v20.18.3", "v21.7.3", "v22.11.0"])
def test_an_old_node_is_named(hook: ModuleType, tmp_path: Path, answer: str) -> None:
    with pytest.raises(SystemExit, match=f"Node.js {answer}, too old, .* install Node.js 20.19"):
        hook.check_node(fake_node(tmp_path, answer))


def test_a_node_that_says_nothing_is_not_trusted(hook: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not tell its version"):
        hook.check_node(fake_node(tmp_path, "what?"))


@pytest.mark.parametrize("answer", ["v20.19.0", "v20.20.2", "v22.12.0", "v24.1.0"])
def test_a_new_enough_node_will_do(hook: ModuleType, tmp_path: Path, answer: str) -> None:
    hook.check_node(fake_node(tmp_path, answer))


def test_the_build_ends_without_a_traceback(tmp_path: Path) -> None:
    code = "import hatch_build; hatch_build.build_labextension('wheel', 'standard', script='build:prod')"
    env = {**os.environ, "PATH": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("rtc_widgets: There is no Node.js on PATH")
    assert len(ended.stderr.splitlines()) == 1


class Checkout:
    """A tree with the hook's sources and assets, and a build that only says it ran."""

    def __init__(self, hook: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._hook = root, hook
        self.source = root / "labextension" / "src" / "index.ts"
        self.asset = root / "rtc_widgets" / "labextension" / "static" / "remoteEntry.0ld.js"
        for file in (self.source, self.asset):
            file.parent.mkdir(parents=True)
            file.touch()
            os.utime(file, (1, 1))
        self.built: list[str] = []
        monkeypatch.setenv("PATH", fake_node(root, "v20.19.0"))
        monkeypatch.setattr(hook, "npm_builder", lambda *_, build_cmd, **__: self.built.append(build_cmd))

    def build(self) -> list[str]:
        self._hook.build_labextension("wheel", "standard", script="build:prod", root=self.root)
        return self.built


@pytest.fixture
def checkout(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(hook, tmp_path, monkeypatch)


def test_a_checkout_is_always_built_and_never_on_top_of_old_assets(checkout: Checkout) -> None:
    assert checkout.build() == ["build:prod"]
    assert not checkout.asset.exists()


def test_an_sdist_brings_its_assets(checkout: Checkout) -> None:
    (checkout.root / "PKG-INFO").touch()
    assert checkout.build() == []
    assert checkout.asset.exists()


def test_a_changed_sdist_is_built(checkout: Checkout) -> None:
    (checkout.root / "PKG-INFO").touch()
    os.utime(checkout.source, (2, 2))
    assert checkout.build() == ["build:prod"]


def test_an_sdist_without_assets_is_built(checkout: Checkout) -> None:
    (checkout.root / "PKG-INFO").touch()
    checkout.asset.unlink()
    checkout.asset.parent.rmdir()
    checkout.asset.parent.parent.rmdir()
    assert checkout.build() == ["build:prod"]
