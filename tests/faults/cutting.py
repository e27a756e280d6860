"""A line to Redis that is cut again and again after the request went through and before its answer came back."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Cutter:
    """Between clients and a server's socket; `wants_cut(request, answer)` says that the answer never arrives."""

    def __init__(self, path: Path, server: Path) -> None:
        self.path, self.server = path, server
        self.wants_cut: Callable[[bytes, bytes], bool] = lambda _request, _answer: False
        self.cuts = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cut everything and stop."""
        for line in [self._listener, *self._open]:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._thread.join(2)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            try:
                upstream.connect(str(self.server))
            except OSError:
                client.close()
                upstream.close()
                continue
            self._open += [client, upstream]
            threading.Thread(target=self._carry, args=(client, upstream), daemon=True).start()

    def _carry(self, client: socket.socket, upstream: socket.socket) -> None:
        """Request by request: dramatiq's calls are answered one at a time on each line."""
        with client, upstream, suppress(OSError):
            while request := client.recv(1 << 20):
                upstream.sendall(request)
                answer = upstream.recv(1 << 20)
                if not answer:
                    return
                if self.wants_cut(request, answer):
                    self.cuts += 1
                    return
                client.sendall(answer)


@contextmanager
def cutting(path: Path, server: Path) -> Iterator[Cutter]:
    """A cutter for the block."""
    cutter = Cutter(path, server)
    try:
        yield cutter
    finally:
        cutter.close()
