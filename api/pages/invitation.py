"""An appointment as a file for the customer's own calendar (RFC 5545)."""

from datetime import datetime

from icalendar import Calendar, Event

from api.customer_view import CustomerVisit
from dispatch.contact.windows import Told


def invitation(view: CustomerVisit, window: Told, sequence: int, *, now: datetime) -> bytes:
    """The visit in its window; a later file of the same visit replaces the one before.

    It holds neither the link nor the number to ask for at the door: calendars are shared.
    """
    event = Event()
    event.add("uid", f"{view.number}@gridcrew")
    event.add("sequence", sequence)
    event.add("dtstamp", now)
    event.add("dtstart", window.start_at)
    event.add("dtend", window.end_at)
    event.add("summary", f"{view.company}: {view.purpose}")
    event.add("location", view.address)
    event.add("status", "CONFIRMED" if window.promised else "TENTATIVE")
    event.add("transp", "OPAQUE")
    calendar = Calendar()
    calendar.add("prodid", "-//Gridcrew//appointment//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
