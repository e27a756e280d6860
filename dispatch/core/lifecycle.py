"""Life cycles as tables of moves: what may follow what, and who may do it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from dispatch.core.errors import ConflictError, ForbiddenError

State = TypeVar("State", bound=StrEnum)


class IllegalMove(ConflictError):
    """The present state does not allow this move; `details` name the state and what it allows."""

    code = "illegal_move"


class MoveNotYours(ForbiddenError):
    """The move exists, but not for this role."""

    code = "move_not_yours"


@dataclass(frozen=True, slots=True)
class Move(Generic[State]):
    """One arrow of a life cycle: from any of `sources` to `target`, by any of `roles`."""

    action: str
    sources: frozenset[State]
    target: State
    roles: frozenset[str]


def move(action: str, sources: Iterable[State], target: State, *roles: str) -> Move[State]:
    """Write one row of a table of moves."""
    return Move(action, frozenset(sources), target, frozenset(roles))


class Machine(Generic[State]):
    """A table of moves; several rows may share an action when their sources differ."""

    def __init__(self, name: str, states: type[State], moves: Iterable[Move[State]]) -> None:
        self.name = name
        self.states = states
        self.moves = tuple(moves)
        self._by_key: Mapping[tuple[State, str], Move[State]] = {
            (source, row.action): row for row in self.moves for source in row.sources
        }

    def allowed(self, state: State, role: str | None = None) -> list[str]:
        """The actions that `state` allows, for `role` or for anybody, in the table's order."""
        rows = [
            row
            for row in self.moves
            if state in row.sources and (role is None or role in row.roles)
        ]
        return list(dict.fromkeys(row.action for row in rows))

    def target(self, state: State, action: str, *, role: str, subject: str) -> State:
        """The state that `action` leads to.

        Raises IllegalMove when `state` does not allow it and MoveNotYours when it is another role's.
        """
        row = self._by_key.get((state, action))
        if row is None:
            allowed = self.allowed(state)
            raise IllegalMove(
                f"{self.name} {subject} is {state.value}: it cannot {action.replace('_', ' ')}; "
                f"it allows {', '.join(allowed) or 'nothing more'}.",
                subject=subject,
                state=state.value,
                action=action,
                allowed=allowed,
            )
        if role not in row.roles:
            raise MoveNotYours(
                f"{role} may not {action.replace('_', ' ')} {self.name} {subject}; "
                f"{', '.join(sorted(row.roles))} may.",
                subject=subject,
                action=action,
                roles=sorted(row.roles),
            )
        return row.target
