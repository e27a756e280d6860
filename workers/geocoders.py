"""Geocoders by configuration, through geopy: Nominatim, Photon, AMap, Baidu. Each says how accurate its answer is.

AMap is not among geopy's own, so it is added to them in geopy's way (lbs.amap.com, web service, geocode/geo).
AMap answers in GCJ-02 and Baidu in BD-09; `Found.datum` says so and whoever keeps the answer converts it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from geopy.adapters import AdapterHTTPError, BaseSyncAdapter
from geopy.exc import (
    GeocoderAuthenticationFailure,
    GeocoderParseError,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeocoderServiceError,
    GeocoderUnavailable,
    GeopyError,
)
from geopy.geocoders import BaiduV3, Nominatim, Photon
from geopy.geocoders.base import Geocoder
from geopy.location import Location

from dispatch.core.config import Settings
from dispatch.geo.datum import Datum
from dispatch.geo.geocoding import Found
from dispatch.registry.geometry import METRES_PER_DEGREE
from workers.outside import AGENT, Answer, ServiceAway, ask

LEVELS: Mapping[str, float] = {
    "门牌号": 30, "门址": 30, "兴趣点": 50, "单元号": 30, "楼层": 30, "房间": 30, "公交地铁站点": 100,
    "道路交叉路口": 100, "热点商圈": 800, "住宅区": 200, "村庄": 800, "道路": 1500,
    "乡镇": 4000, "开发区": 3000, "区县": 20_000, "市": 20_000, "省": 20_000,
}  # fmt: skip
"""AMap's level of an answer -> how far off it may be, metres."""
KINDS: Mapping[str, float] = {
    "house": 30, "street": 1000, "locality": 800, "district": 3000, "city": 20_000,
    "county": 20_000, "state": 20_000, "country": 20_000, "other": 1000,
}  # fmt: skip
"""Photon's type of an answer -> how far off it may be, metres."""
CONFIDENCES = (
    (100, 20), (90, 50), (80, 100), (75, 200), (70, 300), (60, 500), (50, 1000), (40, 2000),
    (30, 5000), (25, 8000), (20, 10_000),
)  # fmt: skip
"""Baidu's confidence from which on an answer is off by so many metres at most (its documentation)."""
WORST = 20_000.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured geocoder."""

    name: str
    geocode: Callable[[str], Location | None]
    accuracy: Callable[[Mapping[str, Any]], float | None]
    datum: Datum = Datum.WGS84

    def find(self, address: str) -> Found | None:
        """The best point for the address, None when the geocoder knows none; raises geopy's GeopyError."""
        try:
            location = self.geocode(address)
            if location is None:
                return None
            raw = location.raw if isinstance(location.raw, dict) else {}
            accuracy = self.accuracy(raw)
        except GeopyError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise GeocoderParseError(f"an answer of an unknown shape: {error!r}") from error
        lat, lon = location.latitude, location.longitude
        if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
            raise GeocoderParseError(f"{lat}, {lon} is no position")
        if accuracy is not None and not math.isfinite(accuracy):
            raise GeocoderParseError(f"{accuracy} is no accuracy")
        return Found(lat, lon, accuracy, _line(location.address), self.datum)


def configured(settings: Settings) -> Provider | None:
    """The installation's geocoder; None when none is configured."""
    if settings.geocoder == "none":
        return None
    make = _MAKERS[settings.geocoder]
    address = urlsplit(settings.geocoder_url or _ADDRESSES.get(settings.geocoder, ""))
    return make(
        settings,
        {
            "timeout": settings.geocoder_timeout,
            "user_agent": AGENT,
            "adapter_factory": Adapter,
            "scheme": address.scheme,
        },
        (address.netloc + address.path).rstrip("/"),
    )


class Adapter(BaseSyncAdapter):  # type: ignore[misc]
    """How geopy's geocoders reach the network here: by `outside.ask`, whose deadline holds for the whole answer."""

    def get_json(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> Any:
        """The answer as JSON; raises geopy's errors."""
        answer = self._asked(url, timeout, headers)
        try:
            return answer.document()
        except ServiceAway as error:
            raise GeocoderParseError(error.message) from error

    def get_text(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> str:
        """The answer as text; raises geopy's errors."""
        return self._asked(url, timeout, headers).body.decode(errors="replace")

    def _asked(self, url: str, timeout: float, headers: Mapping[str, str]) -> Answer:
        try:
            answer = ask("GET", url, timeout=timeout, headers=headers)
        except ServiceAway as error:
            raise GeocoderUnavailable(error.message) from error
        if answer.status != 200:
            raise AdapterHTTPError(
                f"The server answers {answer.status}.",
                status_code=answer.status,
                headers={name.lower(): value for name, value in answer.headers.items()},
                text=None,  # geopy would log it, and it may repeat the address
            )
        return answer


class AMap(Geocoder):  # type: ignore[misc]
    """AMap's geocoding service (高德), version 3."""

    def __init__(self, key: str, *, domain: str, **options: Any) -> None:
        super().__init__(**options)
        self._key = key
        self._api = f"{self.scheme}://{domain}/v3/geocode/geo"

    def geocode(self, query: str) -> Location | None:
        """The best answer; its coordinates are GCJ-02."""
        url = f"{self._api}?{urlencode({'key': self._key, 'address': query, 'output': 'JSON'})}"
        found: Location | None = self._call_geocoder(url, partial(self._parsed, query=query))
        return found

    def _parsed(self, page: Any, *, query: str) -> Location | None:
        if str(page.get("status")) != "1":
            code, said = str(page.get("infocode")), str(page.get("info"))
            if code in {"10003", "10044", "10045"}:  # today's questions are used up
                raise GeocoderQuotaExceeded(said)
            if code in {"10004", "10014", "10015", "10019", "10020", "10021", "10029"}:
                raise GeocoderRateLimited(said)
            if code in {"10001", "10002", "10005", "10006", "10007", "10008", "10009", "10012"}:
                raise GeocoderAuthenticationFailure(said)
            if code == "30001":  # it cannot make anything of this address
                return None
            raise (GeocoderQueryError if code.startswith("200") else GeocoderServiceError)(said)
        best = next(iter(page.get("geocodes") or []), None)
        if best is None:
            return None
        lon, lat = map(float, best["location"].split(","))
        return Location(best.get("formatted_address") or query, (lat, lon), best)


def _nominatim(_settings: Settings, options: dict[str, Any], domain: str) -> Provider:
    return Provider("nominatim", Nominatim(domain=domain, **options).geocode, _of_box)


def _photon(_settings: Settings, options: dict[str, Any], domain: str) -> Provider:
    def accuracy(raw: Mapping[str, Any]) -> float | None:
        return KINDS.get(str(raw.get("properties", {}).get("type")))

    return Provider("photon", Photon(domain=domain, **options).geocode, accuracy)


def _amap(settings: Settings, options: dict[str, Any], domain: str) -> Provider:
    geocoder = AMap(settings.geocoder_key.get_secret_value(), domain=domain, **options)
    return Provider(
        "amap", geocoder.geocode, lambda raw: LEVELS.get(str(raw.get("level"))), Datum.GCJ02
    )


def _baidu(settings: Settings, options: dict[str, Any], domain: str) -> Provider:
    geocoder = BaiduV3(api_key=settings.geocoder_key.get_secret_value(), **options)
    geocoder.api = f"{geocoder.scheme}://{domain}{geocoder.api_path}"

    def accuracy(raw: Mapping[str, Any]) -> float | None:
        confidence = raw.get("confidence")
        if not isinstance(confidence, int):
            return None
        return next((float(off) for least, off in CONFIDENCES if confidence >= least), WORST)

    return Provider("baidu", geocoder.geocode, accuracy, Datum.BD09)


def _line(text: object) -> str:
    """What a geocoder calls a place, without what no database stores and no page shows."""
    return "".join(sign for sign in str(text or "") if sign.isprintable())


def _of_box(raw: Mapping[str, Any]) -> float | None:
    """Half the diagonal of the box around what Nominatim found: a house's is a few metres, a town's kilometres."""
    box = raw.get("boundingbox")
    if not isinstance(box, list) or len(box) != 4:
        return None
    south, north, west, east = map(float, box)
    narrow = math.cos(math.radians((south + north) / 2))
    return METRES_PER_DEGREE * math.hypot(north - south, (east - west) * narrow) / 2


_MAKERS = {"nominatim": _nominatim, "photon": _photon, "amap": _amap, "baidu": _baidu}
_ADDRESSES = {"amap": "https://restapi.amap.com", "baidu": "https://api.map.baidu.com"}
