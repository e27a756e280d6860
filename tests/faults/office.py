"""The web process for the fault tests, on a clock that is shifted to the day that is played.

`python -m tests.faults.office SHIFT PORT`; GRIDCREW_CRASH_AT may end it at a crash point.
"""

import sys
from datetime import UTC, datetime, timedelta

import uvicorn

from api.app import create_app
from dispatch.core.config import Settings
from dispatch.core.db import Database
from workers.broker import bell, make_broker


def main() -> None:
    """Serve until killed."""
    shift, port = timedelta(seconds=float(sys.argv[1])), int(sys.argv[2])
    settings = Settings()
    database = Database(settings.database, bell=bell(make_broker(settings)))
    app = create_app(settings, database, clock=lambda: datetime.now(UTC) + shift)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
