"""Several worker machines on one PostgreSQL and one Redis that Sentinels watch, by configuration alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.tables import Task
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.system.sentinels import Watched, watched
from tests.system.servers import eventually
from workers import redis_server
from workers.broker import bell, make_broker

pytestmark = [pytest.mark.system, pytest.mark.faults]

LEASE = ("--lease", "4")


@pytest.fixture
def redis_pair(tmp_path: Path) -> Iterator[Watched]:
    """A Redis master, its replica and a Sentinel."""
    with watched(tmp_path) as running:
        yield running


def machine(name: str, settings: Settings, database: Database, url: str) -> Settings:
    """What is configured on one machine: everything of its own but the database, Redis and the secret."""
    address = database.url.render_as_string(hide_password=False)
    folder = settings.data_dir / name
    return settings.model_copy(
        update={"data_dir": folder, "database_url": address, "redis_url": url}
    )


@contextmanager
def machines(
    settings: Settings, database: Database, url: str, *names: str, sweeps: bool = True
) -> Iterator[list[Crowd]]:
    """One worker process on each machine."""
    with ExitStack() as stack:
        crowds = []
        for name in names:
            here = machine(name, settings, database, url)
            database.bell = bell(make_broker(here))
            workers = stack.enter_context(crowd(here, database))
            options = [*LEASE, "--machine", name, *([] if sweeps else ["--no-sweeper"])]
            workers.add_worker(name, *options)
            crowds.append(workers)
        yield crowds


def done_by(database: Database) -> Counter[str]:
    """How many tasks were last held on each machine."""
    with database.reading() as session:
        owners = session.exec(select(Task.lease_owner).where(Task.kind == "test.count"))
        return Counter(str(owner).partition("/")[0] for owner in owners)


def test_two_machines_share_the_work_and_one_is_enough(
    settings: Settings, postgresql: Database, redis_pair: Watched
) -> None:
    with machines(settings, postgresql, redis_pair.url, "east", "west") as (east, west):
        east.enqueue(times(60, 600), takes=0.05)
        east.wait_until_done(seconds=120)
        before = done_by(postgresql)
        assert set(before) == {"east", "west"}, before

        east.enqueue(times(60, 600), takes=0.05)
        eventually(lambda: done_by(postgresql)["west"] > before["west"], what="work on west")
        west.keeper.stop()  # its supervisor too: the whole machine is gone
        east.wait_until_done(seconds=120)

        assert east.effects() == {1: east.enqueued}


def test_work_goes_on_when_the_redis_master_dies_and_nothing_is_lost(
    settings: Settings, postgresql: Database, redis_pair: Watched
) -> None:
    with machines(settings, postgresql, redis_pair.url, "east", "west") as (east, _):
        east.enqueue(times(60, 600), takes=0.02)
        eventually(lambda: sum(east.effects().values()) > 0, what="the first effect")
        dead = redis_pair.kill_master()
        east.enqueue(times(60, 600), takes=0.02)  # nobody can ring for these
        eventually(lambda: redis_pair.master() != dead, seconds=60, what="a new master")
        eventually(lambda: redis_server.answers(redis_pair.url, patience=2), what="its answer")
        east.wait_until_done(seconds=120)

        assert east.effects() == {1: east.enqueued}
        assert east.said == [], "no worker died of it"


def test_without_sentinels_work_stops_with_the_master(
    settings: Settings, postgresql: Database, redis_pair: Watched
) -> None:
    alone = redis_pair.url.partition("@")[0].replace("+sentinel", "")
    url = f"{alone}@127.0.0.1:{redis_pair.master()}/0"
    with machines(settings, postgresql, url, "east") as (east,):
        east.enqueue(1)
        east.wait_until_done(seconds=60)
        dead = redis_pair.kill_master()
        eventually(lambda: redis_pair.master() != dead, seconds=60, what="a new master")

        east.enqueue(5)
        with pytest.raises(AssertionError, match="did not come about"):
            east.wait_until_done(seconds=10)
