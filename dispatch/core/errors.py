"""Expected refusals. A hard day is no error; a mistake of a person or a lost race is one of these."""

from typing import Any, ClassVar


class DispatchError(Exception):
    """An expected refusal with a stable `code`; `details` are plain JSON values that say what and where.

    Concrete refusals are defined beside what raises them and derive from one of the four kinds below.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFoundError(DispatchError):
    """The thing named does not exist, or not for this person."""

    code = "not_found"
    status = 404


class ConflictError(DispatchError):
    """The thing's present state does not allow it, or somebody was faster."""

    code = "conflict"
    status = 409


class InvalidError(DispatchError):
    """A value is wrong; `details["field"]` names it."""

    code = "invalid"
    status = 422


class ForbiddenError(DispatchError):
    """The person may not do this."""

    code = "forbidden"
    status = 403
