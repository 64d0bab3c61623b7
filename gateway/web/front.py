"""Makes a request a visit and an answer a response: who it is, whether it may be, what every answer says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from traceback import extract_tb
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog
from twisted.internet.defer import CancelledError

from gateway.errors import StoreBroken, StoreFull, Unusable
from gateway.intakes.http.answers import Answer, language_of
from gateway.intakes.http.wire import Incoming
from gateway.locale import N_, translator
from gateway.service import shielded
from gateway.web.doors import away
from gateway.web.house import House
from gateway.web.pages import GUARDS, Pages
from gateway.web.rights import may
from gateway.web.routes import Route
from gateway.web.session import Sessions
from gateway.web.visit import FIELDS, Refused, Visit

_log = structlog.get_logger()

_FORM = "application/x-www-form-urlencoded"
#: A page that comes again by itself says so: nobody is awake for that.
AGAIN = b"again"


class Front:
    """Between the wire and the rooms."""

    def __init__(
        self,
        house: House,
        pages: Pages,
        sessions: Sessions,
        *,
        cookie: str,
        on_broken: Callable[[object], None],
    ) -> None:
        self._house = house
        self._pages = pages
        self._sessions = sessions
        self._cookie = re.compile(rf"(?:^|;)\s*{re.escape(cookie)}=([A-Za-z0-9_-]{{20,64}})(?:;|$)")
        self._on_broken = on_broken

    async def answer(self, request: Incoming, route: Route, named: Mapping[str, Any]) -> bytes:
        visit = self._visit(request)
        try:
            said = await self._carried_out(request, route, visit, named)
        except Refused as refused:
            said = await self._pages.refusal(visit, refused)
        return send(request, said)

    async def lost(self, request: Incoming, status: int) -> bytes:
        """There is no such address here, or not by this method."""
        text = N_("There is no such page.") if status == 404 else N_("That cannot be done here.")
        return send(request, await self._pages.refusal(self._visit(request), Refused(status, text)))

    async def _carried_out(
        self, request: Incoming, route: Route, visit: Visit, named: Mapping[str, Any]
    ) -> Answer:
        """Raises Refused for whatever keeps it from being done."""
        if route.method == "POST":
            _own_form(request)
        person = visit.session.person if visit.session is not None else None
        if not may(person, route.right):
            if person is None:
                return away("/login")
            raise Refused(403, N_("This page is not for you."))
        try:
            # Whoever closes the browser half-way has said it all the same.
            answer: Answer = await shielded(route.answer(visit, **named))
        except (CancelledError, Refused):
            raise
        except Unusable as unusable:
            raise Refused(409, str(unusable)) from None
        except StoreFull:
            raise Refused(503, N_("No room on disk: nothing was written.")) from None
        except StoreBroken as broken:
            self._on_broken(broken)
            raise Refused(503, N_("The store is broken: nothing was written.")) from None
        except Exception as error:  # noqa: BLE001 - whoever looks must be answered
            _log.error("console.bug", error=type(error).__name__, where=_steps(error))
            raise Refused(500, N_("A fault of Wardline's own. Nothing more was done.")) from None
        return answer

    def _visit(self, request: Incoming) -> Visit:
        again = request.uri.partition(b"?")[2] == AGAIN or request.path.startswith(b"/static/")
        found = self._cookie.search(_header(request, "Cookie"))
        cookie = found[1] if found else ""
        language = language_of(_header(request, "Accept-Language"), self._house.language)
        return Visit(
            peer=request.channel.peer,
            path=request.path.decode("ascii", "replace"),
            translate=translator(language),
            now=self._house.clock.now(),
            form=_form(request) if request.method == b"POST" else {},
            cookie=cookie,
            session=self._sessions.find(cookie, awake=not again) if cookie else None,
            range=_header(request, "Range"),
        )


def send(request: Incoming, answer: Answer) -> bytes:
    request.release()
    request.setResponseCode(answer.status, HTTPStatus(answer.status).phrase.encode())
    request.responseHeaders.removeHeader(b"Server")
    headers = {**GUARDS, **answer.headers, "Content-Type": answer.media}
    for name, value in headers.items():
        request.setHeader(name.encode(), value.encode("latin-1", "replace"))
    request.setHeader(b"Content-Length", str(len(answer.body)).encode())
    return answer.body


def _own_form(request: Incoming) -> None:
    """Raises Refused for a form that another site's page sent, or that is none."""
    origin, host = _header(request, "Origin"), _header(request, "Host")
    site = _header(request, "Sec-Fetch-Site")
    if (
        not host
        or urlsplit(origin).netloc.lower() != host.lower()
        or site not in ("", "same-origin")
    ):
        raise Refused(403, N_("This form did not come from the console itself."))
    if request.too_long or request.no_room:
        raise Refused(413, N_("That is too long."))
    media = _header(request, "Content-Type").partition(";")[0].strip().lower()
    if media != _FORM:
        raise Refused(415, N_("That is no form of the console."))


def _form(request: Incoming) -> dict[str, str]:
    if request.too_long or request.no_room:
        return {}
    body = request.content.getvalue()
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=FIELDS))
    except ValueError:  # more fields than any form of ours
        return {}


def _header(request: Incoming, name: str) -> str:
    """The one header of this name; none where it was said twice."""
    found = request.requestHeaders.getRawHeaders(name.encode()) or []
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _steps(error: BaseException) -> str:
    """The last steps to an unexpected error; its own words may quote a patient and are left out."""
    steps = extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{step.filename.rpartition('/')[2]}:{step.lineno}" for step in steps)
