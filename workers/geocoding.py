"""The task geocoding.run: one address after another, at the geocoder's pace, each answer in its own transaction."""

import time
from datetime import timedelta

import structlog
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeopyError,
)

from dispatch.core.db import transaction
from dispatch.geo import geocoding
from dispatch.geo.geocoding import Found
from dispatch.registry.tables import Premises
from workers.execution import Interrupted, Postponed, Work
from workers.geocoders import Provider, configured

logger = structlog.get_logger(__name__)

PAUSE = timedelta(minutes=1)
"""How long a geocoder that asks for patience, without saying how much, is left alone."""
LONGEST_PAUSE = timedelta(hours=1)
"""The same when the day's questions are used up; nobody waits longer, whatever the geocoder says."""
TRIES = 3
"""Addresses in a row that a geocoder fails at before the run gives up; fewer are passed over."""


def look_up_addresses(work: Work) -> None:
    """Look up a territory's addresses. What was found stands when the worker stops; another goes on from there.

    Raises Postponed when the geocoder wants to be left alone for a while, and Interrupted when the worker stops.
    """
    number = int(work.payload["id"])
    provider = configured(work.settings)
    with work.database.reading() as session:
        run = geocoding.RUNS.get(session, number)
    if provider is None or provider.name != run.provider:
        _end(work, number, f"The geocoder {run.provider} is no longer configured.")
        return
    failures, next_at = 0, 0.0
    while True:
        premises, known = _next(work, number, provider)
        if premises is None:
            return
        if not known:
            next_at = _wait(work, next_at)
            try:
                found = provider.find(geocoding.address_of(premises))
            except (GeocoderQuotaExceeded, GeocoderRateLimited) as error:
                raise _postponed(work, error) from error
            except (GeocoderAuthenticationFailure, GeocoderInsufficientPrivileges) as error:
                _end(work, number, f"The geocoder refuses this installation's key: {error}")
                return
            except GeocoderQueryError:
                found = None  # it cannot make anything of this address
            except GeopyError as error:
                failures, said = failures + 1, f"{type(error).__name__}: {error}"
                logger.warning(
                    "geocoding.failed", geocoding=number, premises=premises.id, error=said
                )
                _pass_over(work, number, premises, said)
                if failures >= TRIES:
                    _end(work, number, f"The geocoder does not answer, {premises.id}: {said}")
                    return
                continue
            _keep(work, provider, premises, found)
        failures = 0
        _take(work, number, provider, premises)


def _next(work: Work, number: int, provider: Provider) -> tuple[Premises | None, bool]:
    """The next premises, and whether its address is remembered; the task is finished when there is none."""
    if work.should_stop():
        raise Interrupted
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        premises = geocoding.next_of(session, geocoding_id=number, now=now)
        if premises is None:
            work.finish(session)
            return None, False
        address = geocoding.address_of(premises)
        answer = geocoding.remembered(session, provider=provider.name, address=address, now=now)
        return premises, answer is not None


def _keep(work: Work, provider: Provider, premises: Premises, found: Found | None) -> None:
    with transaction(work.database) as session:
        work.hold(session)
        geocoding.keep(
            session,
            provider=provider.name,
            address=geocoding.address_of(premises),
            found=found,
            now=work.clock(session),
        )


def _take(work: Work, number: int, provider: Provider, premises: Premises) -> None:
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        address = geocoding.address_of(premises)
        answer = geocoding.remembered(session, provider=provider.name, address=address, now=now)
        if answer is not None:
            geocoding.take(
                session,
                geocoding_id=number,
                premises_id=premises.id,
                answer=answer,
                good_enough_m=work.settings.geocoder_accuracy_m,
                now=now,
            )


def _pass_over(work: Work, number: int, premises: Premises, error: str) -> None:
    with transaction(work.database) as session:
        work.hold(session)
        geocoding.pass_over(session, geocoding_id=number, premises_id=premises.id, error=error)


def _wait(work: Work, next_at: float) -> float:
    """Wait until the geocoder may be asked again; when it may be asked after that, on the monotonic clock."""
    while (left := next_at - time.monotonic()) > 0:
        if work.stopping.work.wait(min(left, 0.5)) or work.lost.is_set():
            raise Interrupted
    return time.monotonic() + 1 / work.settings.geocoder_per_second


def _postponed(work: Work, error: GeopyError) -> Postponed:
    seconds = getattr(error, "retry_after", None)
    if seconds is not None:
        pause = timedelta(seconds=max(1, int(seconds)))
    else:
        pause = PAUSE if isinstance(error, GeocoderRateLimited) else LONGEST_PAUSE
    with work.database.reading() as session:
        return Postponed(work.clock(session) + min(pause, LONGEST_PAUSE))


def _end(work: Work, number: int, error: str) -> None:
    with transaction(work.database) as session:
        work.hold(session)
        geocoding.fail(session, geocoding_id=number, error=error, now=work.clock(session))
        work.finish(session)
