"""The relay in numbers, beside jupyter_server's own at ``/metrics``, for Prometheus to collect."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import REGISTRY, Collector

if TYPE_CHECKING:
    from rtc_widgets.relay.relay import Relay

__all__ = ["Metrics"]


class Metrics(Collector):
    """Answer for *relay* whenever the metrics are asked for; between that nothing is spent on them."""

    def __init__(self, relay: Relay) -> None:
        self._relay = weakref.ref(relay)
        REGISTRY.register(self)

    def close(self) -> None:
        """Answer no more."""
        REGISTRY.unregister(self)

    def describe(self) -> list[Metric]:
        """Return nothing: so it is not asked before there is something."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        relay = self._relay()
        if relay is None:
            return
        counts, rooms = relay.counts, relay.rooms.all
        documents = [document for room in rooms for document in room.documents.values()]
        peers = [peer for document in documents for peer in document.peers]
        yield GaugeMetricFamily("rtc_widgets_rooms", "Documents that are open.", len(rooms))
        yield GaugeMetricFamily(
            "rtc_widgets_connections", "WebSockets that are open.", len(relay.connections)
        )
        kinds = GaugeMetricFamily("rtc_widgets_peers", "Participants of documents.", labels=["kind"])
        for kind in ("person", "kernel"):
            kinds.add_metric([kind], sum(peer.identity.get("kind", "person") == kind for peer in peers))
        yield kinds
        yield GaugeMetricFamily(
            "rtc_widgets_uncommitted_updates",
            "Changes that are not in the log yet.",
            sum(document.uncommitted for document in documents),
        )
        yield GaugeMetricFamily(
            "rtc_widgets_store_bytes", "Size of the log on the disk, in bytes.", relay.store_bytes
        )
        yield CounterMetricFamily("rtc_widgets_updates", "Changes that were received.", counts.updates)
        yield CounterMetricFamily("rtc_widgets_update_bytes", "Bytes of these changes.", counts.bytes)
        yield SummaryMetricFamily(
            "rtc_widgets_commit_seconds",
            "Seconds from the receipt of a change to its commit to the log.",
            count_value=counts.commits,
            sum_value=counts.seconds,
        )
        dropped = CounterMetricFamily("rtc_widgets_dropped", "Peers that were expelled.", labels=["code"])
        for code, count in counts.dropped.items():
            dropped.add_metric([str(code)], count)
        yield dropped
