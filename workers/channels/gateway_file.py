"""A gateway's TOML file: what is asked, what the answers mean, and how the provider calls back."""

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, Self

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dispatch.core.errors import InvalidError

_TEMPLATES = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
template = lru_cache(maxsize=256)(_TEMPLATES.from_string)
"""A text as a template, in a sandbox, which refuses what it is not given."""
_SAYS_KEY = re.compile(r"{{[^}]*(?<![.\w])key\b")


class BadGateway(InvalidError):
    """A gateway's file cannot be used; the message says which value of it and why."""

    code = "bad_gateway"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Part):
    """A request of templates; what `query` and `form` become is encoded, and `json` is written as JSON."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    url: str = Field(pattern=r"^https?://\S.*$")
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    form: dict[str, str] = Field(default_factory=dict)
    content: Any = Field(None, alias="json")
    body: str = ""
    key_header: str = Field("", description="the header that carries the idempotency key")

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if sum((bool(self.form), self.content is not None, bool(self.body))) > 1:
            raise ValueError("give one of form, json and body")
        return self


class Condition(_Part):
    """A value of the answer's JSON, by its path (`Response.SendStatusSet.0.Code`), that is one of some."""

    path: str = Field(min_length=1)
    is_one_of: list[str | int | bool] = Field(min_length=1)

    def holds(self, document: Any) -> bool:
        """Whether the document has such a value there."""
        return any(str(value_at(document, self.path)) == str(value) for value in self.is_one_of)


class Answered(_Part):
    """What answers mean. Without `taken` a good status is enough; `later` refuses for now whatever the status."""

    id: str = Field("", description="path of the provider's number of the message")
    reason: str = Field("", description="path of what it says when it refuses")
    taken: Condition | None = None
    later: Condition | None = None


class Signed(_Part):
    """How requests are signed."""

    scheme: Literal["none", "aliyun", "tencent", "hmac"] = "none"
    key_id: str = ""
    secret: str = ""


class Reported(_Part):
    """How the provider calls back; `events` is the path of a list of events, empty when the body is one.

    Paths are looked up in each event: `id` the event's own number, `message` the provider's number of the message,
    `status` its state, whose words stand in `sent`, `delivered` and `failed`; `sender` and `text` what a
    customer writes back: an event that names no message, or has a text, is a reply. `answer` is what the provider
    wants to hear, with status 200.
    """

    scheme: Literal["standard", "twilio", "hmac", "path"]
    secret: str
    events: str = ""
    id: str = ""
    message: str = "message_id"
    status: str = "status"
    sent: list[str] = Field(default_factory=lambda: ["sent"])
    delivered: list[str] = Field(default_factory=lambda: ["delivered"])
    failed: list[str] = Field(default_factory=lambda: ["failed", "undelivered"])
    sender: str = ""
    text: str = ""
    answer: dict[str, str | int] = Field(default_factory=dict)


class Gateway(_Part):
    """A gateway's file. `secrets` names environment variables; templates say `{{ secret.NAME }}`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    recipient: Literal["phone", "any"] = "phone"
    keys_last_hours: float = Field(0.0, ge=0, le=24 * 30)
    request: Asked
    answer: Answered = Answered()
    signing: Signed = Signed()
    look_up: Asked | None = None
    found: Answered = Answered()
    callback: Reported | None = None
    secrets: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_are_sent(self) -> Self:
        asked = self.request
        texts = (asked.url, asked.body, *asked.query.values(), *asked.form.values())
        texts = (*texts, *asked.headers.values(), json.dumps(asked.content))
        if self.keys_last_hours and not asked.key_header and not _SAYS_KEY.search(" ".join(texts)):
            raise ValueError(
                "keys_last_hours: the request sends no key; name its header in request.key_header or "
                "write {{ key }} where it belongs"
            )
        return self

    def revealed(self, secret: str) -> str:
        """A template of secrets filled in, such as `{{ secret.password }}`."""
        return template(secret).render(secret=self.secret_values())

    def secret_values(self) -> Mapping[str, str]:
        """The secrets, from the environment."""
        return {name: os.environ[variable] for name, variable in self.secrets.items()}


def value_at(document: Any, path: str) -> Any:
    """The value at a path of names and numbers, None when there is none."""
    for step in path.split(".") if path else ():
        if isinstance(document, list) and step.lstrip("-").isdigit():
            document = document[int(step)] if -len(document) <= int(step) < len(document) else None
        elif isinstance(document, Mapping):
            document = document.get(step)
        else:
            return None
    return document
