"""The hospital of the stories with a console, and people at browsers."""

from __future__ import annotations

import html
import re
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

from twisted.web.http_headers import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from gateway import reporting
from gateway.alarm import Alarms
from gateway.asterisk.access import Access
from gateway.formats import Formats, Kit
from gateway.hands import HouseHands
from gateway.pack import PackDesk, Schedule
from gateway.service import at_once
from gateway.store import views
from gateway.web.doors import COOKIE, Doors
from gateway.web.front import Front
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.routes import table
from gateway.web.session import Sessions
from tests.flow.conftest import WARDS, Hospital
from tests.flow.telephone import LAB, PETIT, ROUX

#: Who they are, and the PIN that their telephones know as well.
PINS = {ROUX: "271828", LAB: "161803", PETIT: "314159"}
HOST = "console.hospital.test:8443"


class Paper:
    """Draws nothing; hands out the pictures it was given."""

    def __init__(self):
        self.pictures = []

    async def sheets(self, slip):
        return slip, self.pictures


class Site(Hospital):
    """A hospital with a console."""

    def open(self, *, path):
        self.people = (*PINS, *self.people)
        super().open(path=path)
        self.path = Path(path)
        self.paper_shown = Paper()
        tell = Alarms(self.store, clock=self.time, accepted=self._accepted)
        access = Access(
            self.directory.people, store=self.store, clock=self.time, alarm=tell.guessed
        )
        self.do(access.open())
        self.packs = PackDesk(
            self.store, schedule=Schedule(), wards=WARDS, clock=self.time,
            outage=lambda: self.desk.current, accepted=self._accepted,
        )  # fmt: skip
        self.do(self.packs.listen())
        self.house = House(
            name="Hôpital Exemple", language="fr", zone="Europe/Paris", drill=False, platform=True,
            devices=("cardio-slip", "neuro-slip", "lab-slip"), path=self.path, store=self.store,
            directory=self.directory, access=access,
            hands=HouseHands(
                self.store, self.directory, inbox=self.inbox, alarms=tell, clock=self.time,
                accepted=self._accepted, listen=self._listen,
            ),
            read=Formats(kit=Kit(reactor=None)).read, composer=self.composer, paper=self.paper_shown,
            report=self._report, listen=self._listen, clock=self.time, aside=at_once,
        )  # fmt: skip
        self.sessions = Sessions(self.time, idle=900.0)
        pages = Pages(self.house)
        doors = Doors(self.house, pages, self.sessions, secure=True)
        self.front = Front(
            self.house, pages, self.sessions, cookie=doors.cookie, on_broken=lambda why: None
        )
        self.routes = table(self.house, pages, doors)
        self.map = Map([
            Rule(route.address, methods=[route.method], endpoint=route) for route in self.routes
        ])  # fmt: skip
        return self

    def browser(self, person=None, **headers):
        """A browser, where somebody has logged in or nobody."""
        browser = Browser(self, headers)
        return browser.logs_in(person) if person is not None else browser

    def journal(self, what):
        """Details of the journal's entries of this kind, oldest first."""
        found = self.store._opened.reader._connection.execute(
            "SELECT detail FROM journal WHERE what = ? ORDER BY seq", (what,)
        )
        return [detail for (detail,) in found]

    def _accepted(self, accepted):
        self.dispatcher.accepted(accepted)

    async def _listen(self):
        await self.desk.listen()
        await self.packs.listen()
        await self.dispatcher.look_again()

    async def _report(self, outage, form):
        found = views.report(self.path, outage)
        head = {"code": "HEX", "name": "Hôpital Exemple", "language": "fr", "timezone": "Europe/Paris",
                "wards": {}}  # fmt: skip
        told = reporting.from_store(found, charsets={}, now=self.time.now())
        return reporting.FORMS[form]({"site": head, **told})


class Request:
    """What Twisted would hand over."""

    too_long = no_room = False

    def __init__(self, method, address, headers, body):
        self.method, self.uri = method.encode(), address.encode()
        self.path = self.uri.partition(b"?")[0]
        self.requestHeaders, self.responseHeaders = Headers(headers), Headers({})
        self.content, self.code = BytesIO(body), 0
        self.channel = SimpleNamespace(peer="10.2.0.7")

    def release(self):
        """Nothing is held."""

    def setResponseCode(self, code, message):
        self.code = code

    def setHeader(self, name, value):
        self.responseHeaders.setRawHeaders(name, [value])


class Browser:
    """One browser: keeps its cookie, follows redirects, finds the token of a form on the page it shows."""

    def __init__(self, site, headers):
        self.site = site
        self.headers = {"Host": HOST, **headers}
        self.cookie = self.given = ""
        self.status, self.body, self.answer = 0, b"", {}

    @property
    def page(self):
        return self.body.decode()

    @property
    def text(self):
        """What a person reads."""
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.page)))

    def logs_in(self, person, pin=None):
        self.opens("/login")
        return self.sends("/login", code=person.code, pin=pin or PINS[person], token="")

    def opens(self, address, **headers):
        self._ask("GET", address, headers=headers)
        return self

    def sends(self, address, *, token=None, **fields):
        """A form on the page that is open."""
        fields["token"] = self.token(address) if token is None else token
        self._ask("POST", address, urlencode(fields).encode())
        return self

    def token(self, address):
        form = re.search(
            rf'action="{re.escape(address)}".*?name="token" value="([^"]*)"', self.page, re.DOTALL
        )
        assert form, f"there is no form to {address} on this page"
        return form[1]

    def _ask(self, method, address, body=b"", headers=None):
        said = {**self.headers, **(headers or {})}
        if self.cookie:
            said["Cookie"] = self.cookie
        if method == "POST":
            said = {
                "Origin": f"https://{HOST}",
                "Content-Type": "application/x-www-form-urlencoded",
            } | said
        lists = {name: [value] for name, value in said.items() if value is not None}
        request = Request(method, address, lists, body)
        try:
            route, named = self.site.map.bind("").match(request.path.decode(), method)
            answered = self.site.front.answer(request, route, named)
        except HTTPException as error:
            answered = self.site.front.lost(request, error.code)
        self.body, self.status = self.site.do(answered), request.code
        self.answer = {
            name.decode().lower(): values[-1].decode()
            for name, values in request.responseHeaders.getAllRawHeaders()
        }
        if "set-cookie" in self.answer:
            self.given = self.answer["set-cookie"]
            self.cookie = self.given.partition(";")[0]
            assert self.cookie.startswith(f"__Host-{COOKIE}=")
        if self.status == 303:
            self._ask("GET", self.answer["location"])
