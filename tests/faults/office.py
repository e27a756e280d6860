"""The web process for the fault tests, on a clock that is shifted to the day that is played.

`python -m tests.faults.office SHIFT PORT [POINT]`; it dies at a crash point, or at that of GRIDCREW_CRASH_AT.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import uvicorn

from api.app import create_app
from dispatch.core import crash
from dispatch.core.config import Settings
from dispatch.core.db import Database
from workers.broker import bell, make_broker


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    given = sys.argv[1:] if argv is None else argv
    shift, port = timedelta(seconds=float(given[0])), int(given[1])
    if given[2:]:
        crash._chosen = given[2]
    settings = Settings()
    database = Database(settings.database, bell=bell(make_broker(settings)))
    app = create_app(settings, database, clock=lambda: datetime.now(UTC) + shift)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
