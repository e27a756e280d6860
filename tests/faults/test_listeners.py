"""Very many who listen: nobody waits for those who do not, and nobody misses anything when the server goes away."""

import asyncio
import contextlib
import math
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api import feed
from dispatch.core.db import Database
from tests.faults.counts import FULL, times
from tests.faults.listeners import PASSWORD, Hall, hall
from tests.faults.racing import Copies
from tests.listening import Ear, until

pytestmark = pytest.mark.faults

LISTENERS, STALLED = times(20, 200), times(2, 10)
SECONDS, PER_SECOND, QUEUE = times(5, 300), times(60, 20), times(32, feed.QUEUE)
"""In the normal run much happens in a short time, so that who takes nothing falls behind within it."""
SMALL = 4096
"""What the stalled have room for: a telephone that has gone to sleep."""
MEGABYTE = 1024 * 1024


@contextmanager
def stalled(hall: Hall, count: int) -> Iterator[list[socket.socket]]:
    """So many listeners that ask and then take nothing."""
    lines = []
    for ear in hall.ears(count):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        line.connect(("127.0.0.1", hall.port))
        line.sendall(ear._request())
        lines.append(line)
    try:
        yield lines
    finally:
        for line in lines:
            line.close()


def dropped(lines: list[socket.socket]) -> int:
    """How many of the lines the server has cut off."""
    watch = select.poll()
    for line in lines:
        watch.register(line, 0)
    return len(watch.poll(0))


async def _told(hall: Hall, ears: list[Ear], lines: list[socket.socket]) -> tuple[float, int]:
    """Let the day happen; the seconds until all stalled ones were dropped, and by how much the process grew."""
    listening = [asyncio.create_task(ear.listen()) for ear in ears]
    await until(lambda: all("ready" in ear.names() for ear in ears), seconds=30)
    before, begun, took = hall.memory(), time.monotonic(), math.inf
    happening = asyncio.create_task(hall.happen(seconds=SECONDS, per_second=PER_SECOND))
    while not happening.done():
        await asyncio.sleep(0.1)
        if math.isinf(took) and dropped(lines) == len(lines):
            took = time.monotonic() - begun
    await happening
    with contextlib.suppress(AssertionError):
        await until(lambda: missed(hall, ears) == 0)
    grown = hall.memory() - before
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return took, grown


def waits(hall: Hall, ears: list[Ear]) -> list[float]:
    """How long each listener waited for each event, in order; one that never came is an endless wait."""
    took = []
    for ear in ears:
        heard = {one.data["id"]: one.at for one in ear.changes()}
        took += [heard.get(name, math.inf) - at for name, at in hall.at.items()]
    return sorted(took)


def test_everybody_hears_within_a_second_and_who_takes_nothing_is_cut_off(
    copies: Copies, tmp_path: Path
) -> None:
    with (
        copies.open() as database,
        hall(database, tmp_path, listeners=LISTENERS, queue=QUEUE) as server,
    ):
        everybody = server.ears(LISTENERS)
        with stalled(server, STALLED) as lines:
            took, grown = asyncio.run(_told(server, everybody[STALLED:], lines))

        late = waits(server, everybody[STALLED:])
        p99 = late[math.ceil(0.99 * len(late)) - 1]
        sys.stdout.write(
            f"{len(late)} waits, p99 {p99:.3f} s; dropped after {took:.1f} s, "
            f"grown by {grown / MEGABYTE:.1f} MiB\n"
        )
        assert len(late) > 0.8 * (LISTENERS - STALLED) * SECONDS * PER_SECOND
        assert p99 <= 1
        assert took <= 30
        assert grown <= 50 * MEGABYTE


def test_without_a_bound_on_its_queue_a_stalled_listener_stays(
    database: Database, tmp_path: Path
) -> None:
    with (
        hall(database, tmp_path, listeners=STALLED, queue=10**9) as server,
        stalled(server, STALLED) as lines,
    ):
        took, _ = asyncio.run(_told(server, [], lines))

        assert math.isinf(took)


async def _storm(hall: Hall, ears: list[Ear]) -> tuple[float, float]:
    """Kill the server while things happen, start it again: seconds until all were back, and what a sign-in took."""
    staying = [asyncio.create_task(ear.stay()) for ear in ears]
    await until(lambda: all(ear.connected for ear in ears), seconds=30)
    happening = asyncio.create_task(
        hall.happen(seconds=SECONDS / (10 if FULL else 1), per_second=20)
    )
    await asyncio.sleep(0.5)
    hall.kill()
    await asyncio.sleep(0.5)
    await asyncio.to_thread(hall.start)
    again = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{hall.port}", timeout=60) as client:
        answer = await client.post("/api/v1/sessions", json={"login": "d000", "password": PASSWORD})
        assert answer.status_code < 300, answer.text
    signed_in = time.monotonic() - again
    await until(lambda: all(len(ear.connected) > 1 for ear in ears), seconds=60)
    back = max(ear.connected[-1] for ear in ears) - again
    await happening
    with contextlib.suppress(AssertionError):
        await until(lambda: missed(hall, ears) == 0, seconds=5)
    for task in staying:
        task.cancel()
    await asyncio.gather(*staying, return_exceptions=True)
    return back, signed_in


def missed(hall: Hall, ears: list[Ear]) -> int:
    """How many events were not heard, over all listeners; none may be heard twice."""
    left = 0
    for ear in ears:
        names = [one.data["id"] for one in ear.changes()]
        assert len(names) == len(set(names))
        left += len(set(hall.at) - set(names))
    return left


def test_after_a_restart_all_are_back_and_nobody_has_missed_anything(
    copies: Copies, tmp_path: Path
) -> None:
    with copies.open() as database, hall(database, tmp_path, listeners=LISTENERS) as server:
        ears = server.ears(LISTENERS)
        back, signed_in = asyncio.run(_storm(server, ears))

        sys.stdout.write(
            f"{len(server.at)} events, all back after {back:.1f} s, a sign-in took {signed_in:.2f} s\n"
        )
        assert missed(server, ears) == 0
        assert back <= 15
        assert signed_in <= 5


def test_without_the_number_of_the_last_event_a_restart_loses_some(
    database: Database, tmp_path: Path
) -> None:
    with hall(database, tmp_path, listeners=10) as server:
        ears = server.ears(10, remembers=False)
        asyncio.run(_storm(server, ears))

        assert missed(server, ears) > 0
