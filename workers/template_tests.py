"""The task template.test: one version of a template's text to the address of whoever asked for it."""

from dispatch.contact import editing, texts, trials
from dispatch.contact.messages import Outgoing
from dispatch.contact.placeholders import examples
from dispatch.contact.tables import TextKind
from dispatch.core.db import transaction
from dispatch.core.tables import TaskClass
from workers.channels.delivery import Refused, Unclear
from workers.channels.registry import absent, channels_of
from workers.execution import Work

_MARK = {"zh-CN": "【测试】", "en": "[Test] "}


def send_test(work: Work) -> None:
    """Send it once, with example values and marked as a test; what came of it is an event."""
    asked, settings = work.payload, work.settings
    kind, language = TextKind(asked["kind"]), asked["language"]
    with work.database.reading() as session:
        source = editing.source_of(
            session,
            name=asked["name"],
            kind=kind,
            language=language,
            number=asked["number"],
        )
    text = texts.render_source(source, kind, examples(asked["name"], language)[0])
    body = text.body.replace(texts.CODE, "0000").replace(texts.LINK, f"{settings.base_url}/v/test")
    number = work.lease.task_id
    outgoing = Outgoing(
        message_id=number,
        mail_id=f"<test-{number}@gridcrew>",
        recipient=asked["address"],
        subject=_MARK[language] + text.subject if text.subject else "",
        body=body if text.subject else _MARK[language] + body,
        language=language,
        task_class=TaskClass.NORMAL,
        channel=asked["channel"],
        key=f"gridcrew-test-{number}",
    )
    error = ""
    try:
        channel = channels_of(settings).get(outgoing.channel) or absent(outgoing.channel)
        channel.send(outgoing)
    except (Refused, Unclear) as trouble:
        error = str(trouble)
    with transaction(work.database) as session:
        work.finish(session)
        trials.tested(session, asked, error=error, now=work.clock(session))
