"""Prometheus figures of this process and of the task table."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlmodel import Session

from dispatch.core import tasks
from dispatch.core.alerts import open_alerts

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What is measured; each app has its own registry, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gridcrew_http_requests_total",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gridcrew_http_request_seconds",
            "Time from request to answer",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._callbacks = Counter(
            "gridcrew_callbacks_total",
            "What providers called back with, by what came of it",
            ["provider", "outcome"],
            registry=self.registry,
        )
        self._tasks = Gauge("gridcrew_tasks", "Tasks by state", ["state"], registry=self.registry)
        self._oldest = Gauge(
            "gridcrew_oldest_due_task_seconds",
            "Age of the oldest due task",
            registry=self.registry,
        )
        self._alerts = Gauge(
            "gridcrew_open_alerts", "Alerts that need a person (50 at most)", registry=self.registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `seconds` is how long it took."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def callback(self, provider: str, outcome: str) -> None:
        """Count one event that a provider called back with."""
        self._callbacks.labels(provider, outcome).inc()

    def text(self, session: Session, *, now: datetime) -> bytes:
        """Everything in Prometheus' text format."""
        for state, count in tasks.counts(session).items():
            self._tasks.labels(state).set(count)
        self._oldest.set(tasks.oldest_due_seconds(session, now=now))
        self._alerts.set(len(open_alerts(session)))
        return generate_latest(self.registry)
