"""What follows from what: the tasks that an event brings about, in the transaction that records it.

`workers/handlers.py` says which operation does each task.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reaction:
    """After an event of this type a task of this kind is due; `does` says in a few words what it does."""

    event: str
    task: str
    does: str


TABLE = (
    Reaction("visit.booked", "message.booked", "tells the customer the promised window"),
    Reaction("visit.en_route", "message.on_the_way", "tells that the crew has departed"),
    Reaction("visit.arrived", "message.arrived", "tells whom the customer named that the crew is there"),
    Reaction("visit.done", "message.done", "tells what was done"),
    Reaction("visit.done", "survey.arrange", "settles whether and when the customer is asked about it"),
    Reaction("visit.not_done", "message.could_not", "tells why it was not done and what follows"),
    Reaction("visit.cancelled", "message.cancelled", "tells who was told a time not to wait"),
    Reaction("visit.planned", "message.off_plan", "tells who was told a time that no crew was found for it"),
    Reaction("work_order.on_hold", "message.held", "tells who was told a time not to wait"),
    Reaction("edit.undone", "message.booked", "tells again who was told meanwhile not to wait"),
    Reaction("plan.published", "message.plan_published", "tells everybody on the plan, and whom it leaves out"),
    Reaction("day.closed", "message.plan_published", "tells whose visit the day left over"),
    Reaction("request.received", "message.outage_report", "tells who reported a fault its number"),
    Reaction("request.merged", "message.report_merged", "tells whose request goes on in another that it is kept"),
    Reaction("request.duplicate", "message.report_merged", "tells who reported what is known that it is kept"),
    Reaction("series.call_due", "message.follow_up_call", "announces a call by telephone"),
    Reaction("work_order.call_postponed", "message.follow_up_call", "announces the day to which a call is put off"),
    Reaction("outage.announced", "message.planned_outage", "tells all customers whose supply is or will be off"),
    Reaction("outage.withdrawn", "message.outage_withdrawn", "tells who knows of it that supply stays on"),
    Reaction("outage.restored", "message.restoration", "tells the same customers that it is back"),
    Reaction("outage.restored", "outage.settle", "resolves the reports that belong to it"),
    Reaction("work_order.completed", "request.follow", "resolves the request whose work is done"),
    Reaction("work_order.cancelled", "request.follow", "lets the request go on without the work"),
)  # fmt: skip


def _by_event() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in TABLE:
        found[row.event] = (*found.get(row.event, ()), row.task)
    return found


REACTIONS: Mapping[str, tuple[str, ...]] = _by_event()
"""The kinds of task by type of event."""
