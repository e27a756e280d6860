"""Asking the road service for the drives that nobody knows yet, outside any transaction.

What it says is stored as it comes, so that an interrupted round is not lost. A service that does not answer is
left alone after a few tries, and those drives are estimated: a plan waits for it a minute at most.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import structlog

from dispatch.core.alerts import raise_alert, resolve
from dispatch.core.config import Settings
from dispatch.core.db import Database, lock_for, transaction
from dispatch.geo import roads
from dispatch.geo.roads import FRESH, UNKNOWN, Roads
from dispatch.planning import drives
from workers.execution import Work
from workers.outside import ServiceAway
from workers.road_services import Block, RoadService, TooMany, configured

logger = structlog.get_logger(__name__)

MOST_SECONDS = 40.0
"""After how long no further question is asked in one round; the rest comes in the next."""
TRIES = 2
"""Failures in a row after which a service is left alone for this round."""
STORE_EVERY = 25
"""Answers after which what is known is stored."""

Mask = npt.NDArray[np.bool_]


def refresh(work: Work) -> None:
    """The task roads.refresh: the drives between the points of one territory that nobody knows."""
    with work.database.reading() as session:
        now = work.clock(session)
        subject = str(work.payload["subject"])
    fill(work.database, work.settings, subject, now=now, should_stop=work.should_stop)
    with transaction(work.database) as session:
        work.finish(session)


def fill(
    database: Database,
    settings: Settings,
    territory_id: str,
    *,
    now: datetime,
    should_stop: Callable[[], bool] = lambda: False,
    seconds: float = MOST_SECONDS,
) -> int:
    """Ask for what is missing, and store it; how many drives are still unknown. Never raises for the service.

    Without a service configured, what another one said before is dropped: its times are not mixed with estimates.
    """
    service = configured(settings)
    with database.reading() as session:
        known = roads.known(session, territory_id=territory_id)
        points = drives.wanted(session, territory_id=territory_id, now=now) if service else []
    if service is None:
        if known is not None:
            with transaction(database) as session:
                roads.forget(session, territory_id=territory_id)
                resolve(session, _alert(territory_id), now=now)
        return 0
    if known is None or known.service != service.name or now - known.begun_at > FRESH:
        known = Roads.empty(service.name, points, now=now)
    table = known.over(points)
    if not _missing(table).any():
        return 0
    _ask(database, settings, territory_id, service, table, now, should_stop, seconds)
    return int(_missing(table).sum())


def _ask(
    database: Database,
    settings: Settings,
    territory_id: str,
    service: RoadService,
    table: Roads,
    now: datetime,
    should_stop: Callable[[], bool],
    seconds: float,
) -> None:
    points = list(table.index)
    most, failures, answers, error = settings.roads_coordinates, 0, 0, ""
    ends = time.monotonic() + seconds
    waiting = list(_blocks(_missing(table), most))
    while waiting and failures < TRIES and time.monotonic() < ends and not should_stop():
        rows, columns = waiting.pop(0)
        try:
            block = service.block([points[i] for i in rows], [points[j] for j in columns])
        except TooMany as refusal:
            if len(rows) + len(columns) <= 2:
                failures, error = TRIES, refusal.message
                continue
            waiting = [*_halves(rows, columns), *waiting]
        except ServiceAway as failure:
            failures, error = failures + 1, failure.message
            waiting = [*waiting, (rows, columns)]
        else:
            failures, answers = 0, answers + 1
            _write(table, rows, columns, block)
            if answers % STORE_EVERY == 0:
                _store(database, territory_id, table, now)
    if answers:
        _store(database, territory_id, table, now)
    _tell(database, territory_id, service, error if failures >= TRIES else "", now)


def _missing(table: Roads) -> Mask:
    missing: Mask = table.seconds == UNKNOWN
    np.fill_diagonal(missing, val=False)
    return missing


def _blocks(missing: Mask, most: int) -> Iterator[tuple[list[int], list[int]]]:
    """Questions that together cover what is missing, none over more than `most` coordinates.

    Rows that miss the same columns are asked about together: after one new point these are its own row, and its
    column for all the others.
    """
    # A point's way to itself is asked about with a whole row, or every row would be a group of its own.
    whole = missing.sum(axis=1) > len(missing) // 2
    missing = missing | (np.eye(len(missing), dtype=bool) & whole[:, None])
    groups: dict[bytes, list[int]] = {}
    for row in np.flatnonzero(missing.any(axis=1)):
        groups.setdefault(missing[row].tobytes(), []).append(int(row))
    half = max(1, most // 2)
    for rows in groups.values():
        columns = [int(column) for column in np.flatnonzero(missing[rows[0]])]
        wide = max(1, most - min(len(rows), half))
        high = max(1, most - min(len(columns), wide))
        for top in range(0, len(rows), high):
            for left in range(0, len(columns), wide):
                yield rows[top : top + high], columns[left : left + wide]


def _halves(rows: list[int], columns: list[int]) -> list[tuple[list[int], list[int]]]:
    if len(rows) >= len(columns):
        middle = len(rows) // 2
        return [(rows[:middle], columns), (rows[middle:], columns)]
    middle = len(columns) // 2
    return [(rows, columns[:middle]), (rows, columns[middle:])]


def _write(table: Roads, rows: Sequence[int], columns: Sequence[int], block: Block) -> None:
    for grid, values in ((table.seconds, block.seconds), (table.metres, block.metres)):
        grid[np.ix_(rows, columns)] = values
        np.fill_diagonal(grid, 0)


def _store(database: Database, territory_id: str, table: Roads, now: datetime) -> None:
    """Keep the table with what another worker may have learnt meanwhile."""
    with transaction(database) as session:
        lock_for(session, f"roads:{territory_id}")
        stored = roads.known(session, territory_id=territory_id)
        if (
            stored is not None
            and stored.service == table.service
            and stored.begun_at >= table.begun_at
        ):
            seconds, metres = stored.between(list(table.index))
            learnt = (table.seconds == UNKNOWN) & (seconds != UNKNOWN)
            table.seconds[learnt], table.metres[learnt] = seconds[learnt], metres[learnt]
        roads.keep(session, _asked(table, now), territory_id=territory_id)


def _asked(table: Roads, now: datetime) -> Roads:
    return Roads(table.service, table.index, table.seconds, table.metres, table.begun_at, now)


def _tell(
    database: Database, territory_id: str, service: RoadService, error: str, now: datetime
) -> None:
    key = _alert(territory_id)
    with transaction(database) as session:
        if error:
            logger.warning("roads.away", service=service.name, error=error)
            raise_alert(
                session,
                key,
                f"The road service gives no driving times: {error} Those it has not given are estimated. "
                "`gridcrew doctor` tells whether it answers again.",
                now=now,
            )
        else:
            resolve(session, key, now=now)


def _alert(territory_id: str) -> str:
    return f"roads.away:{territory_id}"
