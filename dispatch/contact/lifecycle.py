"""The life cycle of a message."""

from dispatch.contact.tables import MessageStatus
from dispatch.core.lifecycle import Machine, move

_S = MessageStatus
_WAITING = (_S.PENDING, _S.DEFERRED)
_BY_HAND = ("dispatcher", "admin")

MESSAGES: Machine[MessageStatus] = Machine(
    "Message",
    MessageStatus,
    (
        move("defer", _WAITING, _S.DEFERRED, "system"),
        move("begin", _WAITING, _S.SENDING, "system"),
        move("repeat", [_S.SENDING], _S.SENDING, "system"),
        move("complete", [_S.SENDING], _S.SENT, "system"),
        move("retry", [_S.SENDING], _S.PENDING, "system"),
        move("fail", [_S.SENDING], _S.FAILED, "system"),
        move("lose", [_S.SENDING], _S.UNKNOWN, "system"),
        move("suppress", _WAITING, _S.SUPPRESSED, "system"),
        move("expire", _WAITING, _S.EXPIRED, "system"),
        move("deliver", [_S.SENT, _S.UNKNOWN], _S.DELIVERED, "system"),
        move("bounce", [_S.SENT, _S.UNKNOWN], _S.BOUNCED, "system"),
        move("resend", [_S.FAILED, _S.UNKNOWN, _S.BOUNCED], _S.PENDING, *_BY_HAND),
    ),
)
