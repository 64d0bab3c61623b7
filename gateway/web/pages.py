"""HTML from templates: whatever anybody sent is text in it, and what cannot be seen of it is shown as a dot.

Escaping is not asked for, it happens: to every value of every template. Pages hold no script and no style of
their own, and the browser is told to run none.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gateway.directory import Person
from gateway.intakes.http.answers import Answer
from gateway.locale import N_, Translate
from gateway.render import acts, moments, words
from gateway.web.house import House
from gateway.web.rights import Right, may
from gateway.web.visit import Refused, Visit
from printers.text import lines, visible

HTML = "text/html; charset=utf-8"

#: Said with everything.
GUARDS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then hide the Origin of our own forms from us as well.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

STATIC: Mapping[str, str] = {
    "console.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

#: Pages of the menu, in its order: address, what it is called (`_title` in the templates), who may go there.
MENU = (
    ("/", "state", Right.PERSON),
    ("/worklist", "worklist", Right.WARD),
    ("/held", "held", Right.LAB),
    ("/dictations", "dictations", Right.WARD),
    ("/messages", "messages", Right.WARD),
    ("/outages", "outages", Right.DUTY),
    ("/journal", "journal", Right.LAB),
)


def shown(value: Any) -> Any:
    """Any value on its way into a page, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class Pages:
    """Every page of the console, in the language of whoever looks."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._environment = Environment(
            loader=PackageLoader("gateway.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=shown,
        )
        self._environment.filters |= {
            "lines": lambda text: lines(str(text)),
        }
        folder = resources.files("gateway.web").joinpath("static")
        self._files = {name: folder.joinpath(name).read_bytes() for name in STATIC}
        self._mark = sha256(b"".join(self._files.values())).hexdigest()[:12]

    async def page(self, visit: Visit, name: str, *, status: int = 200, **values: Any) -> Answer:
        """The page of template `name`. Rendered aside: a long one takes its time."""
        return await self._house.aside(lambda: self._page(visit, name, status, values))

    async def refusal(self, visit: Visit, refused: Refused) -> Answer:
        return await self.page(visit, "refused", status=refused.status, text=refused.text)

    async def static(self, visit: Visit, name: str) -> Answer:
        """A file of ours: all that a browser may keep."""
        if name not in STATIC:
            raise Refused(404, N_("There is no such page."))
        headers = {"Cache-Control": "max-age=86400"}
        return Answer(status=200, body=self._files[name], media=STATIC[name], headers=headers)

    def _page(self, visit: Visit, name: str, status: int, values: Mapping[str, Any]) -> Answer:
        person = visit.session.person if visit.session is not None else None
        given = {**self._given(visit, person), "page": name, **values}
        text = self._environment.get_template(f"{name}.html").render(given)
        headers = {"Content-Language": visit.translate.language}
        return Answer(
            status=status, body=text.encode("utf-8", "replace"), media=HTML, headers=headers
        )

    def _given(self, visit: Visit, person: Person | None) -> dict[str, Any]:
        """What every template may use."""
        _, house = visit.translate, self._house

        def when(moment: float) -> str:
            return moments.short(_, moment, house.zone, today=visit.now)

        return {
            "_": _,
            "acts": acts,
            "house": house,
            "lang": _.language,
            "menu": [(a, name) for a, name, right in MENU if may(person, right)],
            "may": lambda right: may(person, Right(right)),
            "person": person,
            "mark": self._mark,
            "token": visit.token,
            "visit": visit,
            "when": when,
            "ago": lambda moment: ago(_, visit.now - moment),
            "ward": lambda code: house.directory.ward(code).name if code else "",
            "why": lambda text: words.reason(_, text),
            "now": visit.now,
        }


def ago(_: Translate, seconds: float) -> str:
    """How long that is, in the unit a person would use."""
    minutes = int(max(seconds, 0.0) // 60)
    if minutes < 120:
        return _("{n} min", n=minutes)
    if minutes < 48 * 60:
        return _("{n} h", n=minutes // 60)
    return _.plural("{n} day", "{n} days", minutes // 1440)
