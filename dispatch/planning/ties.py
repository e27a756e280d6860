"""Relations between visits, once some of those visits are begun, done, or on no plan today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dispatch.core.errors import InvalidError
from dispatch.planning.board import Board, Tie
from dispatch.planning.clock import DayClock
from dispatch.work.tables import VisitStatus
from optimizer.problem import After, DifferentCrew, Relation, SameCrew, Together

Span = tuple[int, int]
LATEST = 10_000_000
"""Seconds, some hundred days: stands for no end of a window."""
_NO_TIMES = (VisitStatus.PLANNED, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)


class BadRelation(InvalidError):
    """A stored relation has an unknown type or names too few visits."""

    code = "bad_relation"


@dataclass(slots=True)
class Bounds:
    """What relations with visits that are already fixed ask of one that is to be planned."""

    windows: list[Span] | None = None
    crews: set[str] | None = None
    other_crews: set[str] = field(default_factory=set)

    def within(self, low: int, high: int) -> None:
        """Let service begin only in this span, and in what was allowed before."""
        allowed = [(-LATEST, LATEST)] if self.windows is None else self.windows
        self.windows = intersection(allowed, (low, high))

    def only(self, crew: str) -> None:
        """Allow this crew only, if it was allowed before."""
        self.crews = {crew} if self.crews is None else self.crews & {crew}


@dataclass(slots=True)
class Tied:
    """The problem's relations with the numbers of their rows, the bounds on visits, and who waits for whom."""

    relations: list[Relation] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bounds: dict[str, Bounds] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def keep(self, tie: Tie, relation: Relation) -> None:
        """Let the problem hold the relation."""
        self.relations.append(relation)
        self.numbers.append(tie.id)

    def bound(self, visit_id: str) -> Bounds:
        """The bounds on this visit."""
        return self.bounds.setdefault(visit_id, Bounds())


def intersection(windows: Iterable[Span], span: Span) -> list[Span]:
    """The parts of `windows` inside `span`."""
    cut = ((max(low, span[0]), min(high, span[1])) for low, high in windows)
    return [(low, high) for low, high in cut if low <= high]


def resolve(board: Board, *, open_ids: set[str], held: Mapping[str, Span], clock: DayClock) -> Tied:
    """Turn the board's relations into the problem's; raises BadRelation.

    `held` are the visits under way with the seconds at which service begins and ends. A visit that must follow, or
    begin together with, one that is on no plan cannot be planned: `waiting` names that one. It may in turn keep
    others waiting.
    """
    waiting: dict[str, str] = {}
    while True:
        facts = _Facts(board, open_ids - waiting.keys(), held, clock)
        tied = Tied()
        for tie in board.ties:
            _resolve_one(facts, tie, tied)
        if not tied.waiting:
            tied.waiting = waiting
            return tied
        waiting.update(tied.waiting)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Where visits stand."""

    board: Board
    open_ids: set[str]
    held: Mapping[str, Span]
    clock: DayClock

    def span(self, visit_id: str) -> Span | None:
        """Begin and end of a visit whose times are fixed: under way, done, or on another day's plan."""
        if visit_id in self.held:
            return self.held[visit_id]
        partner = self.board.partners.get(visit_id)
        if partner is None or visit_id in self.open_ids or partner.status in _NO_TIMES:
            return None
        if partner.starts_at is None or partner.ends_at is None:
            return None
        return self.clock.not_before(partner.starts_at), self.clock.not_before(partner.ends_at)

    def crew(self, visit_id: str) -> str | None:
        """The crew that a fixed visit is bound to."""
        partner = self.board.partners.get(visit_id)
        return None if self.span(visit_id) is None or partner is None else partner.crew_id


def _resolve_one(facts: _Facts, tie: Tie, tied: Tied) -> None:
    if tie.type not in {"after", "together", "same_crew", "different_crew"}:
        raise BadRelation(f"Relation {tie.id} has the unknown type {tie.type!r}.", field="type")
    if len(set(tie.visits)) < 2 or (tie.type == "after" and len(tie.visits) != 2):
        raise BadRelation(
            f"Relation {tie.id} ({tie.type}) must name {'two' if tie.type == 'after' else 'at least two'} "
            "distinct visits.",
            field="visits",
        )
    planned = tuple(dict.fromkeys(v for v in tie.visits if v in facts.open_ids))
    if not planned:
        return
    if tie.type == "after":
        _after(facts, tie, tied)
    elif tie.type == "together":
        _together(facts, tie, planned, tied)
    else:
        _share_or_not(facts, tie, planned, tied)


def _after(facts: _Facts, tie: Tie, tied: Tied) -> None:
    first, second = tie.visits
    if second not in facts.open_ids:
        return  # it has begun already, so there is nothing left to order
    if first in facts.open_ids or first in facts.held:
        tied.keep(tie, After(first, second, tie.min_gap_s, tie.max_gap_s))
        return
    span = facts.span(first)
    if span is None:
        tied.waiting[second] = first
        return
    latest = LATEST if tie.max_gap_s is None else span[1] + tie.max_gap_s
    tied.bound(second).within(span[1] + tie.min_gap_s, latest)


def _together(facts: _Facts, tie: Tie, planned: tuple[str, ...], tied: Tied) -> None:
    fixed = [visit_id for visit_id in tie.visits if facts.span(visit_id) is not None]
    missing = [v for v in tie.visits if v not in facts.open_ids and v not in fixed]
    if missing:
        tied.waiting.update(dict.fromkeys(planned, missing[0]))
        return
    if len(planned) > 1:
        tied.keep(tie, Together(planned))
    for visit_id in fixed:
        span, crew = facts.span(visit_id), facts.crew(visit_id)
        for other in planned:
            if crew is not None:
                tied.bound(other).other_crews.add(crew)
            if span is not None:
                # A partner that has begun cannot be met at its first second any more: join it soon.
                tied.bound(other).within(span[0], max(span[0], span[1]))


def _share_or_not(facts: _Facts, tie: Tie, planned: tuple[str, ...], tied: Tied) -> None:
    crews = [crew for visit_id in tie.visits if (crew := facts.crew(visit_id)) is not None]
    share = tie.type == "same_crew"
    for visit_id in planned:
        for crew in crews:
            if share:
                tied.bound(visit_id).only(crew)
            else:
                tied.bound(visit_id).other_crews.add(crew)
    if len(planned) > 1:
        tied.keep(tie, SameCrew(planned) if share else DifferentCrew(planned))
