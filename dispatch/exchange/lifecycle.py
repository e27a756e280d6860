"""The life cycle of an import."""

from dispatch.core.lifecycle import Machine, move
from dispatch.exchange.tables import ImportStatus

_S = ImportStatus
_ENDED = (_S.CHECKED, _S.REFUSED, _S.STOPPED, _S.FAILED)

IMPORTS: Machine[ImportStatus] = Machine(
    "import",
    ImportStatus,
    (
        move("start", [_S.OPEN, *_ENDED], _S.WAITING, "admin"),
        move("read", [_S.WAITING, _S.RUNNING], _S.RUNNING, "system"),
        move("retry", [_S.RUNNING], _S.WAITING, "system"),
        move("check", [_S.RUNNING], _S.CHECKED, "system"),
        move("refuse", [_S.RUNNING], _S.REFUSED, "system"),
        move("keep", [_S.RUNNING], _S.IMPORTED, "system"),
        move("stop", [_S.WAITING, _S.RUNNING], _S.STOPPED, "system"),
        move("give_up", [_S.WAITING, _S.RUNNING], _S.FAILED, "system"),
    ),
)
"""Its files are sent, it is started, read, and ends; one that has taken nothing may be started again."""
