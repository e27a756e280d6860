"""A provider of texts on this machine, over HTTP: it keeps what it accepted, and honours keys if told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Reply = tuple[int, dict[str, str], bytes]


@dataclass(slots=True)
class Sink:
    """What it accepted: `accepted` is one entry for each message that would reach a telephone, by its reference.

    `answer` may answer instead; None lets the sink do its own. `cut` closes the line after the message was taken.
    """

    port: int = 0
    honours_keys: bool = True
    answer: Callable[[Asked], Reply | None] = lambda _asked: None
    cut: bool = False
    delay_s: float = 0.0
    drip_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    taken_at: list[float] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, asked: Asked) -> Reply:
        """The sink's own answer: a number for each message, the same for the same key."""
        if asked.method == "GET":
            reference = parse_qs(urlsplit(asked.path).query)["reference"][0]
            found = [{"id": self._known[reference]}] if reference in self._known else []
            return 200, {}, json.dumps({"count": len(found), "items": found}).encode()
        reference = str(asked.document["reference"])
        with self._lock:
            if not (self.honours_keys and reference in self._known):
                self.accepted.append(reference)
                self.taken_at.append(time.monotonic())
                self._known[reference] = f"sms-{len(self.accepted)}"
            number = self._known[reference]
        return 200, {}, json.dumps({"id": number}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sink: Sink
    wbufsize = -1  # one write for a whole answer
    disable_nagle_algorithm = True

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        self.sink.asked.append(asked)
        status, headers, body = self.sink.answer(asked) or self.sink.take(asked)
        time.sleep(self.sink.delay_s)
        if self.sink.cut:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        for place in range(len(body)) if self.sink.drip_s else ():
            self.wfile.write(body[place : place + 1])
            self.wfile.flush()
            time.sleep(self.sink.drip_s)
        if not self.sink.drip_s:
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the library's names


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_args: object) -> None:
        """Who is killed while it speaks to us is no error of ours."""


@contextmanager
def sink_running() -> Iterator[Sink]:
    """A sink for the block."""
    sink = Sink()
    handler = type("Handler", (_Handler,), {"sink": sink})
    server = _Server(("127.0.0.1", 0), handler)
    sink.port = server.server_address[1]
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()


def gateway_file(folder: Path, sink: Sink, *, keys: bool = True, look_up: bool = False) -> Path:
    """A gateway's file for this sink."""
    lines = [
        'name = "sink"',
        'recipient = "any"',
        f"keys_last_hours = {24 if keys else 0}",
        "[request]",
        f'url = "{sink.url}/messages"',
        'key_header = "Idempotency-Key"',
        "[request.json]",
        'to = "{{ recipient }}"',
        'text = "{{ text }}"',
        'reference = "{{ key }}"',
        "[answer]",
        'id = "id"',
        'reason = "error"',
    ]
    if look_up:
        lines += [
            "[look_up]",
            'method = "GET"',
            f'url = "{sink.url}/messages?reference={{{{ key }}}}"',
            "[found]",
            'id = "items.0.id"',
            'taken = { path = "count", is_one_of = [1] }',
        ]
    path = folder / "gateway.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
