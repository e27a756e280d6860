"""A problem as it is stored: JSON, in which the road network's tables of times and distances are packed.

A thousand places make two tables of a million numbers each, 12 MB as JSON text.
"""

import base64
import zlib
from typing import Any

import numpy as np
import sqlalchemy as sa

_PACKED = "zlib_int32"
_LEAST = 32
"""Rows from which on a table is packed; small ones stay readable."""


class ProblemDocument(sa.types.TypeDecorator[Any]):
    """A problem document; tables are packed on their way in and unpacked on their way out."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        if isinstance(value, dict) and "travel" in value:
            return {**value, "travel": packed(value["travel"])}
        return value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        if isinstance(value, dict) and "travel" in value:
            return {**value, "travel": unpacked(value["travel"])}
        return value  # a part of a document, or one without travel


def packed(value: Any) -> Any:
    """The same with every large table of whole numbers packed, wherever in the document it is."""
    if isinstance(value, dict):
        return {name: packed(part) for name, part in value.items()}
    if isinstance(value, list) and len(value) >= _LEAST and isinstance(value[0], list):
        table = np.array(value, dtype="<i4")
        bytes_of = table.view(np.uint8).reshape(-1, 4).T  # all low bytes first, the zeros together
        content = zlib.compress(bytes_of.tobytes(), 1)
        return {_PACKED: base64.b64encode(content).decode(), "rows": len(value)}
    return value


def unpacked(value: Any) -> Any:
    """What `packed` was given."""
    if not isinstance(value, dict):
        return value
    if _PACKED in value:
        content = zlib.decompress(base64.b64decode(value[_PACKED]))
        bytes_of = np.frombuffer(content, dtype=np.uint8).reshape(4, -1).T
        table = np.ascontiguousarray(bytes_of).view("<i4")
        return table.reshape(value["rows"], -1).tolist()
    return {name: unpacked(part) for name, part in value.items()}
