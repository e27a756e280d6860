"""The receiver of docs/webhooks.md, run as it stands there, verifies what is posted to it."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.webhooks.cloud_events import CONTENT_TYPE, body_of
from dispatch.webhooks.deliveries import Outgoing
from dispatch.webhooks.secrets import headers, secret_of
from tests.builders.webhooks import happen, make_webhook
from tests.system.servers import eventually, free_port
from workers import webhooks

pytestmark = pytest.mark.system

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_the_receiver_of_the_docs_verifies_and_tells_repetitions_apart(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    here = settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    script, port, now = tmp_path / "receiver.py", free_port(), datetime.now(UTC)
    script.write_text(example, encoding="utf-8")
    with transaction(database) as session:
        webhook = make_webhook(session, now=now)
        event: Event = happen(session, "visit.moved", now=now)[0]
        session.flush()
        body = body_of(event, source=here.base_url)
    secret = secret_of(here.key, webhook.id, 1)

    def post(message_id: str, content: str = body) -> int | None:
        signed = headers(here.key, webhook, message_id=message_id, body=body, now=now)
        outgoing = Outgoing(
            1, f"http://127.0.0.1:{port}/", content, {"content-type": CONTENT_TYPE, **signed}
        )
        return webhooks.post(outgoing, here).code

    with subprocess.Popen(
        [sys.executable, str(script)],
        env={"WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as receiver:
        try:
            eventually(lambda: post("event-1") == 204, seconds=60, what="the receiver")
            assert post("event-1") == 204
            assert post("event-2") == 204
            assert post("event-3", body.replace("moved", "done")) == 401
        finally:
            receiver.terminate()
        assert receiver.stdout is not None
        told = receiver.stdout.read().splitlines()

    assert told == ["gridcrew.visit.moved visit/V-0"] * 2
