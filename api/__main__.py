"""`python -m api`: serve HTTP in one process."""

import contextlib
import gc
import os
import sys

from api.app import create_app
from api.serving import Server
from dispatch.core.config import Settings
from dispatch.core.db import Database
from workers import logs
from workers.broker import bell, make_broker


def main() -> None:
    """Serve until told to stop; streams end then, requests in flight get ten seconds."""
    settings = Settings()
    logs.set_up(settings.log_level)
    database = Database(settings.database, bell=bell(make_broker(settings)))
    trusted = settings.trusted_proxies
    app = create_app(settings, database)
    # What was loaded stays: looked through at every collection it would hold up an answer by a tenth of a second.
    gc.collect()
    gc.freeze()
    server = Server(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,  # the app writes its own line, without what a path may hold
        log_config=None,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted or None,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)


if __name__ == "__main__":
    os.umask(0o077)
    main()
