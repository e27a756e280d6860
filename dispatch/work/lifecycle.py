"""The life cycles of visits, work orders, promises and series, and the reasons people give.

Tables only: who writes a status is `visits.act`, `progress.move_order`, `promises.move` and `series.move`.
"""

from dataclasses import dataclass
from datetime import timedelta

from dispatch.core.lifecycle import Machine, move
from dispatch.work.tables import (
    HoldReason,
    PromiseStatus,
    SeriesStatus,
    VisitStatus,
    WorkOrderStatus,
)

OFFICE = ("dispatcher", "admin")
DESK = ("intake", *OFFICE)
PLANNER = (*OFFICE, "system")
FIELD = ("crew", *OFFICE)

V = VisitStatus
WAITING = (V.PUBLISHED, V.DISPATCHED, V.ACCEPTED)
"""On a published plan, not begun."""
BUSY = (V.EN_ROUTE, V.ARRIVED, V.WORKING)
"""A crew has at most one visit in these."""
UNDER_WAY = (*BUSY, V.PAUSED)
UNFINISHED = (V.PLANNED, *WAITING, *UNDER_WAY)

VISITS = Machine(
    "visit",
    VisitStatus,
    [
        move("publish", [V.PLANNED], V.PUBLISHED, *PLANNER),
        move("dispatch", [V.PUBLISHED], V.DISPATCHED, *PLANNER),
        move("accept", [V.PUBLISHED, V.DISPATCHED], V.ACCEPTED, *FIELD),
        move("decline", WAITING, V.PLANNED, *FIELD),
        move("depart", [V.ACCEPTED], V.EN_ROUTE, *FIELD),
        move("arrive", [V.EN_ROUTE], V.ARRIVED, *FIELD),
        move("start", [V.ARRIVED], V.WORKING, *FIELD),
        move("pause", [V.WORKING], V.PAUSED, *FIELD),
        move("resume", [V.PAUSED], V.WORKING, *FIELD),
        move("finish", [V.WORKING], V.DONE, *FIELD),
        move("fail", UNDER_WAY, V.NOT_DONE, *FIELD, "system"),
        move("withdraw", WAITING, V.PLANNED, *PLANNER),
        move("withdraw", [V.EN_ROUTE], V.PLANNED, *OFFICE),  # needs a reason
        move("cancel", [V.PLANNED, *WAITING], V.CANCELLED, *DESK, "system"),
        move("reopen", [V.DONE], V.WORKING, *OFFICE),
    ],
)

W = WorkOrderStatus
FOLLOWS_VISITS = (W.READY, W.SCHEDULED, W.IN_PROGRESS, W.COMPLETED)
"""An order in one of these has the status that its visits give it."""
READY_ORDERS = (W.READY, W.SCHEDULED, W.IN_PROGRESS)
"""The visits of an order in one of these may be planned."""
OPEN_ORDERS = (W.DRAFT, *READY_ORDERS, W.ON_HOLD)


def _follow(action: str, target: WorkOrderStatus) -> tuple[str, list[WorkOrderStatus]]:
    return action, [state for state in FOLLOWS_VISITS if state != target]


WORK_ORDERS = Machine(
    "work order",
    WorkOrderStatus,
    [
        move("make_ready", [W.DRAFT], W.READY, *DESK, "system"),
        move("hold", [W.READY, W.SCHEDULED], W.ON_HOLD, *DESK, "customer", "system"),
        move("release", [W.ON_HOLD], W.READY, *DESK, "customer", "system"),
        move("cancel", [W.DRAFT, W.READY, W.SCHEDULED, W.ON_HOLD], W.CANCELLED, *DESK, "system"),
        move("complete_call", [W.READY], W.COMPLETED, *DESK),
        move("verify", [W.COMPLETED], W.VERIFIED, *DESK),
        move("close", [W.COMPLETED, W.VERIFIED], W.CLOSED, *DESK, "system"),
        # What follows from the visits, whoever moved them, is the system's.
        move(*_follow("return_to_pool", W.READY), W.READY, "system"),
        move(*_follow("schedule", W.SCHEDULED), W.SCHEDULED, "system"),
        move(*_follow("begin", W.IN_PROGRESS), W.IN_PROGRESS, "system"),
        move(*_follow("complete", W.COMPLETED), W.COMPLETED, "system"),
        move("call_off", [*READY_ORDERS, W.ON_HOLD], W.CANCELLED, "system"),
    ],
)

P = PromiseStatus
STANDING = (P.BOOKED, P.CONFIRMED)
"""A promise in one of these binds: the customer expects us."""

PROMISES = Machine(
    "promise",
    PromiseStatus,
    [
        move("hold", [P.OFFERED], P.HELD, *DESK, "customer", "system"),
        move("book", [P.OFFERED, P.HELD], P.BOOKED, *DESK, "customer", "system"),
        move("confirm", [P.BOOKED], P.CONFIRMED, *DESK, "customer"),
        move("keep", STANDING, P.KEPT, *FIELD, "system"),
        move("miss", STANDING, P.MISSED, *FIELD, "intake", "system"),
        move("reschedule", STANDING, P.RESCHEDULED, *DESK, "customer"),
        move("cancel", [P.OFFERED, P.HELD, *STANDING], P.CANCELLED, *DESK, "customer", "system"),
    ],
)

S = SeriesStatus
SERIES = Machine(
    "series",
    SeriesStatus,
    [
        move("activate", [S.DRAFT], S.ACTIVE, *DESK, "system"),
        move("suspend", [S.ACTIVE], S.SUSPENDED, *DESK),
        move("resume", [S.SUSPENDED], S.ACTIVE, *DESK),
        move("end", [S.DRAFT, S.ACTIVE, S.SUSPENDED], S.ENDED, *DESK, "system"),
    ],
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a reason for "not done" means: when the work comes back, and who broke the promise."""

    zh: str
    en: str
    back_after: timedelta = timedelta(days=1)
    hold: HoldReason | None = None
    by_customer: bool = False


NOT_DONE: dict[str, Failure] = {
    "no_access": Failure("无法进入", "No access", by_customer=True),
    "refused": Failure("客户拒绝", "Refused by the customer", by_customer=True),
    "unsafe": Failure("不安全", "Unsafe"),
    "wrong_skill": Failure("技能不符", "Needs another skill", timedelta(0)),
    "missing_part": Failure("缺少物料", "Part missing", hold=HoldReason.MATERIAL),
    "inside_fault": Failure("客户内部故障", "Fault in the customer's own installation"),
    "weather": Failure("天气原因", "Weather", hold=HoldReason.WEATHER),
    "diverted": Failure("改派紧急任务", "Diverted to an emergency", timedelta(0)),
    "crew_problem": Failure("班组或车辆问题", "Crew or vehicle out of action", timedelta(0)),
    "partly_done": Failure("部分完成", "Partly done"),
    "out_of_time": Failure("时间不足", "Out of time"),
    "other": Failure("其他", "Other"),
}
"""Reasons of `fail`. The work comes back as a new visit, the same day (0), the next, or after a hold."""

DECLINE: dict[str, tuple[str, str]] = {
    "no_time": ("时间不足", "No time"),
    "wrong_skill": ("技能不符", "Needs another skill"),
    "missing_part": ("缺少物料", "Part missing"),
    "too_far": ("距离过远", "Too far"),
    "unsafe": ("不安全", "Unsafe"),
    "conflict_of_interest": ("利益回避", "Conflict of interest"),
    "crew_problem": ("班组或车辆问题", "Crew or vehicle out of action"),
    "other": ("其他", "Other"),
}
"""Reasons of `decline`, in Chinese and English."""
