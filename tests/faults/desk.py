"""One act of the office in a process of its own: `python -m tests.faults.desk SHIFT publish PLAN`.

It commits and rings as the API does, so that a test can end it between the two.
"""

import sys
from datetime import UTC, datetime, timedelta

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.planning import plans
from tests.builders.registry import DISPATCHER
from workers.broker import bell, make_broker


def main() -> None:
    """Do the act."""
    shift, act, plan_id = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    assert act == "publish"
    settings = Settings()
    database = Database(settings.database, bell=bell(make_broker(settings)))
    with transaction(database) as session:
        now = datetime.now(UTC) + timedelta(seconds=shift)
        plans.publish(session, plan_id=plan_id, actor=DISPATCHER, now=now)


if __name__ == "__main__":
    main()
