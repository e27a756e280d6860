"""What keeps a visit from a shift, changed for that day."""

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Output, Version

Reason = Annotated[str, Field(min_length=1, max_length=200)]


class OvertimeIn(Input):
    """The shift may last so many minutes longer that day; the reason says who agreed."""

    kind: Literal["overtime"]
    minutes: Annotated[int, Field(ge=1, le=1440)]
    reason: Reason


class LoadIn(Input):
    """So many more of a part are put on the crew's vehicle."""

    kind: Literal["load"]
    part: Annotated[str, Field(min_length=1, max_length=32)]
    quantity: Annotated[int, Field(ge=1, le=1000)]


class LoanIn(Input):
    """These members of other crews work on the shift that day; the reason says who agreed."""

    kind: Literal["loan"]
    member_ids: Annotated[list[Id], Field(min_length=1, max_length=10)]
    reason: Reason


class RelaxationIn(Input):
    """Change what keeps the visit from the shift, and put it in there."""

    visit_id: Id
    shift_id: Id
    change: Annotated[OvertimeIn | LoadIn | LoanIn, Field(discriminator="kind")]
    version: Version


class LendableOut(Output):
    """A member of another crew; `shift_id` is the shift left for this one, null for who is off that day."""

    member_id: str
    name: str
    crew_id: str
    shift_id: str | None
    level: int | None


class CandidatesOut(Output):
    """Who could come along on the shift for the visit, and how many of them it takes."""

    needed: int
    members: list[LendableOut]
