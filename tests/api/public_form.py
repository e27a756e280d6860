"""The public form as a browser gets it."""

import re

from starlette.testclient import TestClient

HTML = {"Accept": "text/html"}
REPORT = {
    "kind": "fault", "name": "李明", "phone": "0769 8555 0100", "address": "虎门镇太平社区 18 号",
}  # fmt: skip
"""What most tests write into it, but for the text."""


def nonce_of(client: TestClient) -> str:
    """The number of a form that has been asked for."""
    found = re.search(r'name="nonce" value="([^"]+)"', client.get("/ask", headers=HTML).text)
    assert found
    return found[1]
