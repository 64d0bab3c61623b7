"""Coming in and going out: the personal code and PIN that people have for the telephone."""

from __future__ import annotations

from gateway.intakes.http.answers import Answer
from gateway.locale import N_
from gateway.web.house import House
from gateway.web.pages import Pages
from gateway.web.session import Form, Sessions
from gateway.web.visit import Refused, Visit

COOKIE = "wardline"


class Doors:
    """Log in, log out, and the PIN once more before what cannot be taken back."""

    def __init__(self, house: House, pages: Pages, sessions: Sessions, *, secure: bool) -> None:
        self._house = house
        self._pages = pages
        self._sessions = sessions
        # With this prefix a browser takes it from here only, and over TLS only (RFC 6265bis, 4.1.3).
        self.cookie = f"__Host-{COOKIE}" if secure else COOKIE
        self._more = "; Secure" if secure else ""

    async def ask(self, visit: Visit) -> Answer:
        if visit.session is not None:
            return away("/")
        return await self._pages.page(visit, "login", refused=False)

    async def enter(self, visit: Visit) -> Answer:
        """A new session for whoever code and PIN belong to; one answer for every reason to refuse."""
        person = await self._house.access.person(
            visit.said("code"), visit.said("pin"), line=visit.line
        )
        if person is None:
            return await self._pages.page(visit, "login", status=403, refused=True)
        self._sessions.end(visit.cookie)
        cookie, _ = self._sessions.begin(person)
        now = self._house.clock.now()
        await self._house.store.note("console opened", at=now, detail={"person": person.code})
        return away("/", cookie=self._set(cookie))

    async def leave(self, visit: Visit) -> Answer:
        check_form(visit)
        self._sessions.end(visit.cookie)
        return away("/login", cookie=self._set("", "; Max-Age=0"))

    def _set(self, value: str, more: str = "") -> str:
        return f"{self.cookie}={value}; Path=/; HttpOnly; SameSite=Strict{self._more}{more}"


def away(where: str, *, cookie: str = "") -> Answer:
    """See another page: what was sent is never sent again by going back."""
    headers = {"Location": where, **({"Set-Cookie": cookie} if cookie else {})}
    return Answer(status=303, media="text/plain", headers=headers)


def check_form(visit: Visit) -> bool:
    """Whether this form is sent for the first time. Raises Refused for one that is not ours."""
    assert visit.session is not None
    found = visit.session.spend(visit.path, visit.said("token"))
    if found is Form.STRANGE:
        raise Refused(403, N_("This form has grown old. Open the page again."))
    return found is Form.FRESH


async def check_pin(house: House, visit: Visit) -> None:
    """Raises Refused unless the person who has logged in keyed their PIN again."""
    person = await house.access.person(visit.person.code, visit.said("pin"), line=visit.line)
    if person is None:
        raise Refused(403, N_("That is not your PIN. Nothing was done."))
