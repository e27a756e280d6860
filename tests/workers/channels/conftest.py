"""What tests of channels share: a provider on this machine, and messages to hand over."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dispatch.contact.messages import Outgoing
from dispatch.core.tables import TaskClass
from tests.sink import Sink, sink_running

Make = Callable[..., Outgoing]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sink_running() as running:
        yield running


def outgoing(**changes: Any) -> Outgoing:
    """A text message to hand over."""
    given: dict[str, Any] = {
        "message_id": 7, "mail_id": "<7@gridcrew>", "recipient": "+8613800000000", "subject": "明天上门",
        "body": "您好，工作人员明天上午上门。", "language": "zh-CN", "task_class": TaskClass.COURTESY,
        "channel": "sms", "key": "gridcrew-7",
    }  # fmt: skip
    return Outgoing(**{**given, **changes})
