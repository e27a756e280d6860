"""A subscriber: a real HTTP server that verifies what it is sent with the standard library of webhooks."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

Reply = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """What came in. `reply` decides the answer to the n-th post; `slow_s` is how long it thinks about each."""

    port: int = 0
    secret: str = ""
    reply: Callable[[int], Reply] = lambda _number: (204, {})
    slow_s: float = 0.0
    posts: int = 0
    forged: int = 0
    paths: list[str] = field(default_factory=list)
    accepted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks"

    def ids(self) -> Counter[str]:
        """How often each message was accepted, by its `webhook-id`."""
        with self._lock:
            return Counter(message_id for message_id, _ in self.accepted)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Verify a post, keep it if it is answered well, and give the answer."""
        with self._lock:
            number, self.posts = self.posts, self.posts + 1
            self.paths.append(path)
        time.sleep(self.slow_s)
        status, more = self.reply(number)
        if status >= 300:
            return status, more
        try:
            content = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            with self._lock:
                self.forged += 1
            return 401, {}
        with self._lock:
            self.accepted.append((headers["webhook-id"], content))
            self.headers.append(headers)
        return status, more


@contextmanager
def receiving(*, port: int = 0, receiver: Receiver | None = None) -> Iterator[Receiver]:
    """A receiver that listens until the end of the block; the same one again to come back with what it has."""
    known = receiver or Receiver()

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            named = {name.lower(): value for name, value in self.headers.items()}
            status, more = known.take(self.path, named, body)
            try:
                self.send_response(status)
                for name, value in {"content-length": "0", **more}.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                pass  # who asked is dead, which some tests are about

        def log_message(self, *_args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_args: object) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    known.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
