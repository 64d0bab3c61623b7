"""What a monitoring system on this machine may count: numbers and states, never a word of a patient."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one intake, and the store's own count of messages."""

    def __init__(self, intake: str) -> None:
        self._registry = CollectorRegistry()
        self._intake = intake
        self._answers = Counter(
            "wardline_http_answers",
            "Requests answered, by status",
            ["intake", "status"],
            registry=self._registry,
        )
        self._connections = Gauge(
            "wardline_http_connections", "Open connections", ["intake"], registry=self._registry
        )
        self._messages = Gauge(
            "wardline_messages",
            "Messages, by what became of them",
            ["state"],
            registry=self._registry,
        )

    def answered(self, status: int) -> None:
        self._answers.labels(self._intake, str(status)).inc()

    def page(self, *, connections: int, counts: Mapping[str, int]) -> bytes:
        """In Prometheus's text format."""
        self._connections.labels(self._intake).set(connections)
        for state, count in counts.items():
            self._messages.labels(state).set(count)
        return generate_latest(self._registry)
