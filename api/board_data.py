"""What the board shows, read in a fixed number of statements however large the day is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Alert
from dispatch.desk import queries as desk
from dispatch.desk.queries import Queue
from dispatch.planning import queries as planning
from dispatch.planning.lifecycle import IN_FORCE, WAITING
from dispatch.planning.queries import BoardPage, PlanHead
from dispatch.planning.tables import PlanStatus
from dispatch.planning.tiles import CrewRow
from dispatch.registry import territories
from dispatch.registry.tables import Depot, Territory
from dispatch.sla import clocks
from dispatch.sla.tables import Clock


@dataclass(frozen=True, slots=True)
class BoardData:
    """A territory's day. `waiting` is a plan that is being made, `failed` one that could not be."""

    territory: Territory
    depots: Sequence[Depot]
    page: BoardPage
    waiting: PlanHead | None
    failed: PlanHead | None
    queues: Sequence[Queue]
    clocks: Sequence[Clock]
    alerts: Sequence[Alert]

    @property
    def shown(self) -> PlanHead | None:
        """The plan whose stops are shown."""
        return self.page.plan

    @property
    def crews(self) -> list[CrewRow]:
        """The crews that work that day, and those that should."""
        return [row for row in self.page.crews if row.shift_id is not None]


def read(
    session: Session, *, territory_id: str, day: date, show_in_force: bool = False
) -> BoardData:
    """The board of a local day: a proposed plan that is newer than the one in force, else that one.

    Raises NoSuchTerritory.
    """
    territory = territories.get(session, territory_id)
    heads = planning.plans_of(session, territory_id=territory_id, day=day)
    shown = _chosen(heads, show_in_force=show_in_force)
    newest = next((head for head in heads if head.branch is None), None)
    failed = newest if newest and newest.status is PlanStatus.CLOSED and newest.error else None
    return BoardData(
        territory=territory,
        depots=territories.depots(session, territory_id=territory_id),
        page=planning.board(
            session, territory_id=territory_id, day=day, plan_id=shown.id if shown else None
        ),
        waiting=newest if newest and newest.status in WAITING else None,
        failed=failed,
        queues=desk.counters(session, territory_id=territory_id),
        clocks=clocks.running(session, territory_id=territory_id, limit=12),
        alerts=open_alerts(session, limit=12),
    )


def _chosen(heads: Sequence[PlanHead], *, show_in_force: bool) -> PlanHead | None:
    """Of the day's plans, the newest first: a new proposal, the plan in force, the one the day ended with."""
    in_force = next((head for head in heads if head.status in IN_FORCE), None)
    open_ones = (head for head in heads if head.status is PlanStatus.PROPOSED and not head.branch)
    proposed = next(open_ones, None)
    if proposed and in_force and (show_in_force or proposed.number < in_force.number):
        proposed = None
    ended = (head for head in heads if head.status is PlanStatus.CLOSED and head.published_at)
    return proposed or in_force or next(ended, None)
