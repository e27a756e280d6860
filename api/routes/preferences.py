"""How a customer wants to be told."""

from fastapi import APIRouter

from api.deps import IfMatch, Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId
from api.schemas.telling import ContactIn, ContactOut, StopIn, Stopped
from dispatch.contact import preferences
from dispatch.contact.preferences import STILL_SENT, Preference
from dispatch.contact.tables import MessageClass

router = APIRouter(route_class=Route, tags=["contact"])


@router.get("/customers/{customer_id}/contact", dependencies=[requires("registry:read")])
def get_contact(customer_id: PathId, session: Reading) -> ContactOut:
    """The customer's wishes: channels, language, hours, who else is told, what was stopped."""
    return _out(preferences.get(session, customer_id=customer_id))


@router.put("/customers/{customer_id}/contact", dependencies=[requires("customer:write")])
def put_contact(
    customer_id: PathId,
    body: ContactIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> ContactOut:
    """Replace the customer's wishes; what the body leaves out is as if nobody had wished anything."""
    values = body.model_dump(exclude={"version"})
    values |= {"channels": tuple(body.channels), "stopped": tuple(sorted(set(body.stopped)))}
    return _out(
        preferences.put(
            session,
            customer_id=customer_id,
            values=values,
            expect=if_match.of(body.version),
            actor=caller.actor,
            now=moment,
        )
    )


@router.post("/customers/{customer_id}/contact/stop", dependencies=[requires("customer:write")])
def stop(customer_id: PathId, body: StopIn, session: Writing, caller: Who, moment: Now) -> Stopped:
    """Note that the customer wants no more messages of a class; danger and what the law asks for goes on."""
    found = preferences.stop(
        session,
        customer_id=customer_id,
        message_class=MessageClass(body.message_class),
        channel=body.channel,
        actor=caller.actor,
        now=moment,
    )
    return _stopped(found)


@router.post("/customers/{customer_id}/contact/resume", dependencies=[requires("customer:write")])
def resume(
    customer_id: PathId, body: StopIn, session: Writing, caller: Who, moment: Now
) -> Stopped:
    """Note that the customer wants messages of a class again."""
    found = preferences.resume(
        session,
        customer_id=customer_id,
        message_class=MessageClass(body.message_class),
        channel=body.channel,
        actor=caller.actor,
        now=moment,
    )
    return _stopped(found)


def _out(found: Preference) -> ContactOut:
    return ContactOut.of(found)


def _stopped(found: Preference) -> Stopped:
    return Stopped(**_out(found).model_dump(), still_sent=list(STILL_SENT))
