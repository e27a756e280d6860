"""What must hold after every step, read from the database file itself by plain SQL, not through the product."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from dispatch.contact.lifecycle import MESSAGES
from dispatch.core.lifecycle import Machine
from dispatch.core.reactions import REACTIONS
from dispatch.planning.lifecycle import PLANS
from dispatch.work.lifecycle import VISITS, WORK_ORDERS
from tests.faults.simulator.world import World

_MACHINES: dict[str, Machine[Any]] = {
    "visit": VISITS, "work_order": WORK_ORDERS, "plan": PLANS, "message": MESSAGES
}  # fmt: skip
_ARROWS = {
    name: {(str(source), str(row.target)) for row in machine.moves for source in row.sources}
    for name, machine in _MACHINES.items()
}
_OPEN = "('due', 'leased')"
_EVERY_MINUTE = "('clock.sweep', 'check_in.sweep', 'delay.watch')"


class Violation(BaseException):
    """Something that must hold does not; no handler of the product's takes it for a failure of its own."""


class Watcher:
    """Looks at the world after each step, and remembers what it saw before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._file = world.database.engine.raw_connection()
        self._status: dict[tuple[str, str], str] = {}
        self._plans: dict[int, tuple[Any, ...]] = {}
        self._in_force: set[int] = set()
        self._given: dict[str, tuple[Any, ...]] = {}
        self._ended: dict[int, tuple[str, str]] = {}
        self._last_event = 0
        self.look()
        world.look = self.look

    def close(self) -> None:
        """Give the connection back."""
        self._file.close()

    def look(self) -> None:
        """Raise Violation when something does not hold."""
        new = self._rows(
            "SELECT id, type, entity, entity_id, from_status, to_status FROM event WHERE id > ? ORDER BY id",
            self._last_event,
        )
        self._moves(new)
        self._tasks(new)
        self._messages()
        self._visits(new)
        self._plans_hold(new)
        self._clocks()
        if new:
            self._last_event = new[-1][0]

    def next_due(self) -> datetime | None:
        """When the next task that is not done can go on; None when there is none but what runs every minute."""
        (found,) = self._rows(
            "SELECT min(CASE state WHEN 'due' THEN run_at ELSE lease_until END) FROM task "
            f"WHERE state IN {_OPEN} AND kind NOT IN {_EVERY_MINUTE}"
        )
        return datetime.fromisoformat(found[0]).replace(tzinfo=UTC) if found[0] else None

    def look_at_the_end(self) -> None:
        """Nothing is left over once everything had its time."""
        left = self._rows(
            f"SELECT id, kind FROM task WHERE state IN {_OPEN} AND kind NOT IN {_EVERY_MINUTE}"
        )
        _refuse(left, "tasks that were never done")
        _refuse(
            self._rows(
                "SELECT id FROM message m WHERE status = 'sending' AND NOT EXISTS (SELECT 1 FROM task t WHERE "
                "t.dedupe_key LIKE 'message.send:' || m.id || ':%' AND t.state = 'dead')"
            ),
            "messages left in the middle",
        )
        _refuse(
            self._rows("SELECT id FROM plan WHERE status IN ('draft', 'solving')"),
            "plans that wait for nobody",
        )
        dead = self._rows("SELECT kind FROM task WHERE state = 'dead'")
        told = {key for (key,) in self._rows("SELECT key FROM alert")}
        _refuse(
            [kind for (kind,) in dead if f"task.dead:{kind}" not in told], "dead, and nobody told"
        )

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self._file.cursor()
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return rows

    def _moves(self, new: list[tuple[Any, ...]]) -> None:
        """Life cycles move by their arrows only, one after the other, and each move has its event."""
        for _, kind, entity, subject, before, after in new:
            if after is None or entity not in _MACHINES or not kind.startswith(f"{entity}."):
                continue
            known = self._status.get((entity, subject))
            if known is not None or before is not None:
                _demand(
                    known is None or known == before,
                    f"{kind} of {subject} begins at {before}, not {known}",
                )
                _demand(
                    (before, after) in _ARROWS[entity], f"{entity} {subject}: {before} to {after}"
                )
            self._status[entity, subject] = after
        for entity in _MACHINES:
            for subject, status in self._rows(f"SELECT id, status FROM {entity}"):
                known = self._status.get((entity, str(subject)))
                _demand(
                    known in (None, status),
                    f"{entity} {subject} is {status} without an event ({known})",
                )
                self._status[entity, str(subject)] = status

    def _tasks(self, new: list[tuple[Any, ...]]) -> None:
        """No task is lost, comes back from its end, or is done twice."""
        rows = self._rows("SELECT id, dedupe_key, state, lease_until, finished_at FROM task")
        keys = {key for _, key, *_ in rows}
        for number, kind, *_ in new:
            wanted = {f"{task}:event:{number}" for task in REACTIONS.get(kind, ())}
            _demand(wanted <= keys, f"event {number} ({kind}) has no task")
        for number, key, state, until, finished in rows:
            was = self._ended.get(number, (state, finished))
            _demand(was == (state, finished), f"task {key} ended twice: {was}, {(state, finished)}")
            _demand(state != "leased" or until is not None, f"task {key} is leased for ever")
            if state in ("done", "dead"):
                self._ended[number] = was
        _refuse(
            self._rows(
                "SELECT id FROM plan p WHERE status IN ('draft', 'solving') AND NOT EXISTS (SELECT 1 FROM task t "
                "WHERE t.dedupe_key = 'plan.solve:' || p.id AND t.state IN ('due', 'leased', 'dead'))"
            ),
            "plans that nobody will solve",
        )

    def _messages(self) -> None:
        """Each message has a task that will look at it; what went out keeps its class's promise."""
        taken: dict[int, int] = defaultdict(int)
        for number in self._world.accepted:
            taken[number] += 1
        rows = self._rows("SELECT id, task_class, status, sends FROM message")
        for number, kind, status, sends in rows:
            most = sends if kind == "safety" else 1
            _demand(
                taken[number] <= most, f"{kind} message {number} went out {taken[number]} times"
            )
            _demand(
                status != "sent" or taken[number] > 0,
                f"message {number} is sent and never went out",
            )
        _refuse(
            self._rows(
                "SELECT id FROM message m WHERE task_class = 'safety' AND status = 'unknown' AND NOT (EXISTS ("
                "SELECT 1 FROM task t WHERE t.dedupe_key LIKE 'message.send:' || m.id || ':%' "
                "AND t.attempts >= t.max_attempts) AND EXISTS ("
                "SELECT 1 FROM alert WHERE key = 'message.unknown'))"
            ),
            "safety messages given up before their last try, or without a word",
        )
        _refuse(
            self._rows(
                "SELECT id FROM message m WHERE status IN ('pending', 'deferred', 'sending') AND NOT EXISTS ("
                "SELECT 1 FROM task t WHERE t.dedupe_key LIKE 'message.send:' || m.id || ':%' "
                "AND t.state IN ('due', 'leased', 'dead'))"
            ),
            "messages that nobody will send",
        )

    def _visits(self, new: list[tuple[Any, ...]]) -> None:
        """No crew is in two places or has two visits at once, and nobody is moved without an event."""
        busy = "('en_route', 'arrived', 'working')"
        _refuse(
            self._rows(
                f"SELECT crew_id FROM visit WHERE status IN {busy} GROUP BY crew_id HAVING count(*) > 1"
            ),
            "crews in two places",
        )
        _refuse(
            self._rows(
                "SELECT a.id, b.id FROM visit a JOIN visit b ON a.crew_id = b.crew_id AND a.id < b.id "
                "AND a.planned_start_at < b.planned_end_at AND b.planned_start_at < a.planned_end_at "
                "WHERE a.status IN ('published', 'dispatched', 'accepted') "
                "AND b.status IN ('published', 'dispatched', 'accepted')"
            ),
            "visits of one crew at one time",
        )
        told = {subject for _, _, entity, subject, *_ in new if entity == "visit"}
        for visit, *given in self._rows(
            "SELECT id, crew_id, shift_id, planned_start_at, planned_end_at FROM visit"
        ):
            moved = self._given.get(visit, tuple(given)) != tuple(given)
            _demand(not moved or visit in told, f"visit {visit} was moved without an event")
            self._given[visit] = tuple(given)

    def _plans_hold(self, new: list[tuple[Any, ...]]) -> None:
        """The plan in force stays what it is until somebody publishes another one; proposals do not change."""
        rows = self._rows("SELECT id, status FROM plan")
        in_force = {number for number, status in rows if status in ("published", "active")}
        _demand(len(in_force) <= 1, f"plans {sorted(in_force)} are in force at once")
        published = any(kind == "plan.published" for _, kind, *_ in new)
        _demand(
            in_force == self._in_force or published or not self._last_event,
            "another plan is in force",
        )
        self._in_force = in_force
        for number, status in rows:
            if status in ("draft", "solving"):
                continue
            stops = tuple(
                self._rows(
                    "SELECT visit_id, shift_id, position, start_at, end_at FROM assignment WHERE plan_id = ? "
                    "ORDER BY visit_id",
                    number,
                )
            )
            _demand(self._plans.setdefault(number, stops) == stops, f"plan {number} was changed")

    def _clocks(self) -> None:
        """Clocks end once, and by the limit that they watched."""
        _refuse(
            self._rows(
                "SELECT id, status FROM clock WHERE (status = 'running') <> (stopped_at IS NULL) "
                "OR (status = 'kept' AND stopped_at > due_at) OR (status = 'broken' AND stopped_at <= due_at)"
            ),
            "clocks with a wrong verdict",
        )


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)


def _refuse(found: list[Any], what: str) -> None:
    if found:
        raise Violation(f"{what}: {found[:5]}")
