"""Providers of several people, who meet in relays in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from support.memory_relay import MemoryRelay

from rtc_widgets.channels.backoff import Backoff
from rtc_widgets.documents.datafile import handle_of
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.provider import Provider

__all__ = ["People", "cell", "notebook", "until"]


def cell(name: str, source: str) -> dict[str, Any]:
    return {
        "id": name,
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


async def until(condition: Callable[[], Any], what: str = "it becomes true", timeout: float = 10.0) -> None:
    end = asyncio.get_running_loop().time() + timeout
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"not so within {timeout} s: {what}"
        await asyncio.sleep(0.002)


class People:
    """Open providers, and close them at the end."""

    def __init__(self) -> None:
        self.relays: list[MemoryRelay] = []
        self.providers: list[Provider] = []

    def relay(self, type_: str = "file", content: Any = "", **options: Any) -> MemoryRelay:
        relay = MemoryRelay(type_, content, **options)
        self.relays.append(relay)
        return relay

    async def join(self, relay: MemoryRelay, user: str = "ada", **options: Any) -> tuple[Any, Provider]:
        document = LiveDocument()
        backoff = Backoff(0.01, 0.05)
        provider = Provider(document, relay.path, relay.type, relay.opener(user), backoff=backoff, **options)
        self.providers.append(provider)
        await provider.start()
        return handle_of(document, relay.type), provider

    async def aclose(self) -> None:
        for provider in self.providers:
            await provider.aclose()
        for relay in self.relays:
            await relay.aclose()
