"""The Humen example's day as an instance: the same document on every machine."""

import tempfile
from datetime import date, time
from pathlib import Path

from benchmarks.instances import Named
from dispatch.core.calendar import at_local, zone_named
from dispatch.core.db import Database
from dispatch.core.migrate import migrate
from dispatch.exchange.loading import load_folder
from dispatch.planning.problem import build

HUMEN = Path(__file__).resolve().parents[1] / "examples" / "humen"
DAY = date(2026, 11, 24)


def humen() -> Named:
    """The problem of the Humen example on `DAY`, seen at 07:00."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate(database)
        now = at_local(DAY, time(7), zone_named("Asia/Shanghai"))
        loaded = load_folder(database, folder=HUMEN, day=DAY, now=now)
        with database.reading() as session:
            built = build(session, territory_id=loaded.territory_id, day=DAY, now=now)
        database.close()
    return Named("days", "Humen", f"humen-{DAY:%m-%d}", built.problem)
