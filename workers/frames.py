"""How the warm optimizer and its askers speak: frames on a socket, and dataclasses as JSON.

A frame is 4 bytes of length, big-endian, then a JSON object.
"""

import json
import socket
import struct
import time
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from optimizer.codec import plan_document, plan_from
from optimizer.plan import Plan

FRAME_LIMIT = 256 * 1024 * 1024

T = TypeVar("T")


def send(line: socket.socket, document: Mapping[str, Any]) -> None:
    """Send a frame."""
    data = json.dumps(document).encode()
    line.sendall(struct.pack(">I", len(data)) + data)


def receive(line: socket.socket, end: float) -> dict[str, Any]:
    """The next frame, complete by `end` of the monotonic clock; raise ValueError, OSError."""
    size = struct.unpack(">I", _read(line, 4, end))[0]
    if size > FRAME_LIMIT:
        raise ValueError(f"a frame of {size} bytes is too large")
    document = json.loads(_read(line, size, end))
    if not isinstance(document, dict):
        raise ValueError("a frame holds a JSON object")  # noqa: TRY004 - a bad value, as the others here
    return document


def _read(line: socket.socket, size: int, end: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        line.settimeout(max(0.001, end - time.monotonic()))
        chunk = line.recv(min(size - len(data), 1 << 20))
        if not chunk:
            raise ConnectionError("the line was cut")
        data += chunk
    return bytes(data)


def plain(value: Any) -> Any:
    """An answer of the optimizer as JSON's own types; plans as the planning format has them."""
    if isinstance(value, Plan):
        return plan_document(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def restored(kind: type[T], document: Any) -> T:
    """The answer of that type which `plain` made the document of."""
    result: T = _restored(kind, document)
    return result


def _restored(kind: Any, document: Any) -> Any:
    if document is None or kind in (int, str, bool):
        return document
    if kind is Plan:
        return plan_from(document)
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _restored(next(each for each in inside if each is not type(None)), document)
    if origin is tuple:
        return tuple(_restored(inside[0], item) for item in document)
    if origin is list:
        return [_restored(inside[0], item) for item in document]
    hints = get_type_hints(kind)
    return kind(**{key: _restored(hints[key], item) for key, item in document.items()})


def visit_document(visit: Any) -> dict[str, Any]:
    """A visit of the planning format, all of its keys."""
    return asdict(visit)
