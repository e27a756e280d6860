"""A database of the first release that holds plans becomes one of this release, and the day goes on in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate, revisions
from dispatch.model import missing
from dispatch.planning import plans, queries
from dispatch.planning.tables import PlanStatus
from tests.builders.planning import crew_on, job, proposed, published, stops
from tests.builders.revisions import copied, upgraded
from tests.instants import DAY
from tests.system import postgresql as postgres

pytestmark = pytest.mark.system

FIRST = "0001"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'old.db'}")
        yield database
        database.close()
        return
    server, _ = request.getfixturevalue("postgresql_server")
    with postgres.fresh_database(server, "template1") as url:
        database = Database(url)
        yield database
        database.close()


def test_plans_of_the_first_release_are_kept_and_the_next_plan_names_whom_it_affects(
    database: Database, empty: Database
) -> None:
    with transaction(database) as session:
        crew_on(session, "C1")
        first, second = job(session, east=1).id, job(session, east=2).id
        in_force = published(session, orders={"C1-20260310": [first, second]}).id or 0
        waiting = proposed(session).id or 0
    old = upgraded(empty, FIRST)
    copied(database, old)
    assert "affected" not in {
        column["name"] for column in sa.inspect(old.engine).get_columns("plan")
    }

    migrate(old)

    assert missing(old) == []
    assert revisions(old)[0] == revisions(old)[1]
    with transaction(old) as session:
        kept = {
            plan.id: plan for plan in (plans.get(session, in_force), plans.get(session, waiting))
        }
        assert {number: plan.status for number, plan in kept.items()} == {
            in_force: PlanStatus.PUBLISHED,
            waiting: PlanStatus.PROPOSED,
        }
        assert all(plan.affected == [] for plan in kept.values())
        assert stops(session, kept[in_force]) == {"C1": [first, second]}
        assert queries.board(session, territory_id="humen", day=DAY, plan_id=None).in_force
        crew_on(session, "C2")
        moved = proposed(session, orders={"C1-20260310": [first], "C2-20260310": [second]})
        assert [line["visit_id"] for line in moved.affected if line["change"] == "moved"] == [
            second
        ]


def test_what_is_written_by_hand_into_a_migrated_database_has_a_value(empty: Database) -> None:
    old = migrate(upgraded(empty, FIRST)) and empty
    columns = {column["name"]: column for column in sa.inspect(old.engine).get_columns("plan")}

    assert columns["affected"]["nullable"] is False
    assert "[]" in str(columns["affected"]["default"])
