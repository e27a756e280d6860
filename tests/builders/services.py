"""Servers outside, played by a real HTTP server on this machine: road services and geocoders."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Said = tuple[int, Any]
"""A status, and what is sent: JSON, or bytes as they are."""


@dataclass
class Outside:
    """A server and what it was asked; `play` answers (method, path with query, JSON body)."""

    play: Callable[[str, str, Any], Said]
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    url: str = ""
    hangs: bool = False
    drips: bool = False


@contextmanager
def serving(play: Callable[[str, str, Any], Said]) -> Iterator[Outside]:
    """Serve on a free port until the block ends."""
    outside = Outside(play)
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, body: Any) -> None:
            outside.asked.append(self.path)
            outside.bodies.append(body)
            outside.at.append(time.monotonic())
            if outside.hangs:
                over.wait(30)
                return
            status, said = outside.play(self.command, self.path, body)
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in outside.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if outside.drips:
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if over.wait(0.2):
                        return
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the asker goes away, as it should
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    outside.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield outside
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def drive(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Seconds and metres of a town whose drives differ there and back, known to every played service."""
    north, east = other[0] - one[0], other[1] - one[1]
    metres = 1e5 * (abs(north) + abs(east)) + (100 if north > 0 else 0)
    return round(metres / 10, 1), round(metres, 1)


def osrm(most: int = 100) -> Callable[[str, str, Any], Said]:
    """An OSRM server that takes `most` coordinates."""

    def play(_method: str, path: str, _body: Any) -> Said:
        split = urlsplit(path)
        found = re.fullmatch(r"/table/v1/driving/([0-9.,;-]+)", unquote(split.path))
        assert found, path
        points = [tuple(map(float, pair.split(","))) for pair in found[1].split(";")]
        if len(points) > most:
            return 400, {"code": "TooBig", "message": f"Too many table coordinates {len(points)}"}
        query = parse_qs(split.query)
        rows, columns = (
            [points[int(i)] for i in query[name][0].split(";")]
            for name in ("sources", "destinations")
        )
        assert query["annotations"] == ["duration,distance"]
        legs = [[drive((a[1], a[0]), (b[1], b[0])) for b in columns] for a in rows]
        return 200, {
            "code": "Ok",
            "durations": [[leg[0] for leg in row] for row in legs],
            "distances": [[leg[1] for leg in row] for row in legs],
        }

    return play


def valhalla(most: int = 50) -> Callable[[str, str, Any], Said]:
    """A Valhalla server that takes `most` locations on each side."""

    def play(method: str, path: str, body: Any) -> Said:
        assert (method, path) == ("POST", "/sources_to_targets")
        if max(len(body["sources"]), len(body["targets"])) > most:
            return 400, {"error_code": 150, "error": "Exceeded max locations", "status_code": 400}
        return 200, {
            "units": body["units"],
            "sources_to_targets": [
                [
                    {"from_index": i, "to_index": j, "time": leg[0], "distance": leg[1] / 1000}
                    for j, b in enumerate(body["targets"])
                    for leg in [drive((a["lat"], a["lon"]), (b["lat"], b["lon"]))]
                ]
                for i, a in enumerate(body["sources"])
            ],
        }

    return play
