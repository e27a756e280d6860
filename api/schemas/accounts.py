"""Signing in, and who may."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Output, Version
from dispatch.registry.tables import Role

Password = Annotated[str, Field(min_length=1, max_length=200)]
Language = Literal["zh-CN", "en"]
Use = Annotated[
    Literal["cookie", "token"],
    Field(description="a browser keeps a cookie; a program gets a bearer token in the answer"),
]


class Login(Input):
    """Login and password."""

    login: Annotated[str, Field(min_length=1, max_length=64)]
    password: Password
    use: Use = "cookie"


class LinkLogin(Input):
    """The token of a one-time link."""

    token: Annotated[str, Field(min_length=16, max_length=200)]
    use: Use = "cookie"


class AccountOut(Output):
    """A person who may sign in."""

    id: str
    version: int
    login: str
    name: str
    role: Role
    crew_id: str | None
    language: str
    disabled: bool


class SessionOut(Output):
    """A new sign-in; `token` is only given to programs."""

    account: AccountOut
    expires_at: datetime
    token: str | None = None


class Me(Output):
    """The caller and what they may do."""

    account: AccountOut
    permissions: list[str]


class NewPassword(Input):
    """A change of the caller's own password."""

    current: Password | None = None
    new: Password


class AccountIn(Input):
    """A new account; without a password it is entered by a one-time link."""

    login: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role
    password: Password | None = None
    crew_id: Id | None = None
    language: Language = "zh-CN"


class AccountState(Input):
    """Shut an account out, or let it in again."""

    disabled: bool
    version: Version


class SignInLinkOut(Output):
    """A link that signs in once; it is shown this one time."""

    url: str
    minutes: int
