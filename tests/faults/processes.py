"""Processes that write to one database, to be killed or to meet: what runs in each of them.

They are copies of one process (tests.forks), begin in milliseconds and end with the test.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from dispatch.core import numbers, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, DatabaseAway, database_now, transaction
from dispatch.core.periodic import Job, occurrence_of
from dispatch.core.tables import Alert, Sequence
from tests.faults.worker import count
from tests.forks import FORKS
from workers import periodic
from workers import sweeper as sweeping
from workers.broker import make_stub_broker
from workers.execution import execute
from workers.identity import owner_name

BEGUN, COMMITTED = b"b", b"c"
TICK = Job("test.tick", every=timedelta(seconds=2))
"""A "minute" of two seconds."""


@contextmanager
def started(*mains: tuple[object, ...]) -> Iterator[list[tuple[BaseProcess, Connection]]]:
    """Processes of (function, arguments...), each with a line on which it tells; killed at the end of the block."""
    running: list[tuple[BaseProcess, Connection]] = []
    try:
        running.extend(start(*main) for main in mains)
        yield running
    finally:
        for process, line in running:
            process.kill()
            process.join()
            line.close()


def start(main: object, *arguments: object) -> tuple[BaseProcess, Connection]:
    """Start `main(line, *arguments)` in a process of its own; the process, and the line on which it tells."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=main, args=(theirs, *arguments), daemon=True)  # type: ignore[arg-type]
    process.start()
    theirs.close()
    return process, ours


# -- a writer that is killed -----------------------------------------------------------------------


def write_for_ever(line: Connection, url: str, name: str, honest: bool = True) -> None:
    """Commit rows `name:0`, `name:1` and so on, and tell on the line of each: begun, then committed.

    A writer that is not `honest` tells that it has committed before it has: the control.
    """
    database, now, number = Database(url), datetime.now(UTC), 0
    while True:
        line.send_bytes(BEGUN)
        with transaction(database) as session:
            text = f"{number}".ljust(500, ".")
            session.add(Alert(key=f"{name}:{number}", text=text, first_at=now, last_at=now))
            numbers.next_number(session, name, "N")
            if not honest:
                line.send_bytes(COMMITTED)
                session.flush()
        if honest:
            line.send_bytes(COMMITTED)
        number += 1


# -- writers that meet -----------------------------------------------------------------------------


def read_then_write(line: Connection, url: str, times: int, immediate: bool = True) -> None:
    """So many times read a number and write the next one; tell (done, refused as locked) at the end.

    Without `immediate` the transaction begins as a reader's and becomes a writer's later: the control.
    """
    database, done, locked = Database(url), 0, 0
    for _ in range(times):
        try:
            if immediate:
                with transaction(database) as session:
                    _count_up(session)
            else:
                with Session(database.reader) as session:
                    _count_up(session)
                    session.commit()
            done += 1
        except (DatabaseAway, OperationalError):
            locked += 1
    line.send((done, locked))


def _count_up(session: Session) -> None:
    row = session.get_one(Sequence, "test")
    row.value += 1
    session.flush()


# -- schedulers ------------------------------------------------------------------------------------


def schedule(line: Connection, url: str, name: str, unique: bool = True) -> None:
    """Sweep as a worker does, and do the ticks that are due; tell one's name whenever one started an occurrence.

    Without `unique` an occurrence is whoever's sees it: the control.
    """
    periodic.FOR_ALL, periodic.PER_TERRITORY = (TICK,), ()  # type: ignore[misc]
    database, settings = Database(url), Settings()
    sweeper = sweeping.Sweeper(database, settings, make_stub_broker())
    start_jobs = periodic.start_jobs

    def started_by_me(database: Database, *, now: datetime, known: dict[str, str]) -> int:
        made = (
            start_jobs(database, now=now, known=known)
            if unique
            else _start_unseen(database, name, now, known)
        )
        if made:
            line.send(name)
        return made

    sweeping.start_jobs = started_by_me  # type: ignore[assignment]
    threading.Thread(target=sweeper.run, args=(threading.Event(),), daemon=True).start()
    while True:
        with database.reading() as session:
            due = tasks.due(session, now=database_now(session))
        for _, task_id in due:
            execute(database, settings, task_id, owner=owner_name(), handlers={TICK.kind: _tick})
        time.sleep(0.05)


def _start_unseen(database: Database, name: str, now: datetime, known: dict[str, str]) -> int:
    key, _ = occurrence_of(TICK, now=now, zone=periodic.UTC_ZONE)
    if known.get("tick") == key:
        return 0
    known["tick"] = key
    with transaction(database) as session:
        payload = {"key": key}
        return tasks.enqueue(session, TICK.kind, key=f"{name}:{key}", payload=payload, now=now) or 0


def _tick(session: Session, payload: dict[str, str], /, *, now: datetime) -> None:
    count(session, {"number": payload["key"]}, now=now)
