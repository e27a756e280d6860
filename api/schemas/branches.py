"""Branches of a day, and undoing."""

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Input, Output, Version


class BranchIn(Input):
    """The branch's name, and the plan that is copied; the day's to edit when left out."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    plan_id: Annotated[int, Field(ge=1, le=2**53)] | None = None


class MergeIn(Input):
    """Whether to keep what still holds when the board has moved."""

    renew: bool = False
    version: Version


class UndoneOut(Output):
    """What was taken back, and the plan that the edit had been made on."""

    kind: Literal[
        "move", "insert", "put_back", "lock", "unlock", "withdraw", "overtime", "load", "loan"
    ]
    visit_id: str
    plan_id: int | None
