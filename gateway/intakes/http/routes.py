"""Which address does what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from gateway.inbox import Looked
from gateway.intakes.http import openapi
from gateway.intakes.http.answers import (
    Answer,
    Problem,
    language_of,
    outcome,
    problem,
    reply,
)
from gateway.intakes.http.asked import Asked
from gateway.intakes.http.metrics import MEDIA
from gateway.intakes.http.wire import Incoming
from gateway.locale import N_
from gateway.store import Stored
from gateway.store.standing import standing

if TYPE_CHECKING:
    from klein import Klein

    from gateway.intakes.http.service import HttpIntake

_FOR_ALL: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}

Work = Callable[[Asked], Awaitable[Answer]]


def routes(intake: HttpIntake) -> Any:
    """The resource that Twisted's server serves. Klein is imported here: it installs a reactor."""
    from klein import Klein

    app = Klein()
    desk = _Desk(intake)
    _for_people(app, desk, intake)

    @app.route("/api/v1/messages", methods=["POST"], strict_slashes=False)
    async def post(request: Incoming) -> bytes:
        return await desk.answer(request, intake.messages.post)

    @app.route("/api/v1/messages/<int:number>", methods=["GET"])
    async def state(request: Incoming, number: int) -> bytes:
        return await desk.answer(request, lambda asked: desk.state(asked, number))

    @app.route("/fhir", methods=["POST"], strict_slashes=False)
    async def bundle(request: Incoming) -> bytes:
        return await desk.answer(request, intake.resources.post, fhir=True)

    @app.route("/fhir/<string:kind>", methods=["POST"], strict_slashes=False)
    async def resource(request: Incoming, kind: str) -> bytes:
        return await desk.answer(
            request, lambda asked: intake.resources.post(asked, kind), fhir=True
        )

    @app.route("/healthz", methods=["GET"])
    def health(request: Incoming) -> bytes:
        return desk.health(request)

    @app.route("/metrics", methods=["GET"])
    async def metrics(request: Incoming) -> bytes:
        return await desk.metrics(request)

    @app.route("/openapi.json", methods=["GET"])
    def described(request: Incoming) -> bytes:
        return desk.send(request, reply(200, openapi.description(intake.settings)))

    def lost(request: Incoming, failure: Any) -> bytes:
        return desk.lost(request, failure.value)

    klein: Any = app
    klein.handle_errors(lost)
    return app.resource()


def _for_people(app: Klein, desk: _Desk, intake: HttpIntake) -> None:
    """What is no message: a person's word, and how everything stands."""

    @app.route("/api/v1/status", methods=["GET"])
    async def status(request: Incoming) -> bytes:
        return await desk.answer(request, intake.words.status)

    @app.route("/api/v1/outage", methods=["POST"])
    async def outage(request: Incoming) -> bytes:
        return await desk.answer(request, intake.words.outage)

    @app.route("/api/v1/pack", methods=["POST"])
    async def pack(request: Incoming) -> bytes:
        return await desk.answer(request, intake.words.pack)


class _Desk:
    """Makes a request an `Asked`, and an answer a response."""

    def __init__(self, intake: HttpIntake) -> None:
        self._intake = intake

    async def answer(self, request: Incoming, work: Work, *, fhir: bool = False) -> bytes:
        try:
            asked = self._asked(request)
            said = await self._intake.carried_out(work(asked), request.channel.peer)
        except Problem as found:
            said = self._problem(request, found, fhir=fhir)
        return self.send(request, said)

    async def state(self, asked: Asked, number: int) -> Answer:
        """Where a message of this sender is: never whose it is."""
        found = await self._intake.inbox.look(number) if number < 2**63 else None
        if found is None or not self._theirs(found.stored, asked):
            raise Problem(404, "not-found")
        return reply(200, _state(found))

    def _theirs(self, stored: Stored, asked: Asked) -> bool:
        own = stored.intake == self._intake.settings.name
        return own and stored.sender in asked.sender.sends_as

    def health(self, request: Incoming) -> bytes:
        """For whoever watches this machine, from this machine."""
        if not _local(request.channel.peer):
            return self.lost(request, Problem(404, "not-found"))
        full = self._intake.full
        return self.send(request, reply(503 if full else 200, {"state": "full" if full else "ok"}))

    async def metrics(self, request: Incoming) -> bytes:
        """For whoever watches this machine, from this machine."""
        if not _local(request.channel.peer):
            return self.lost(request, Problem(404, "not-found"))
        counts = await self._intake.inbox.counts()
        page = self._intake.metrics.page(connections=self._intake.connections, counts=counts)
        return self.send(request, Answer(status=200, body=page, media=MEDIA))

    def lost(self, request: Incoming, error: BaseException) -> bytes:
        """An address or a method that is none (werkzeug's exceptions), or a problem."""
        if not isinstance(error, Problem):
            status = getattr(error, "code", None) or 500
            allowed = getattr(error, "valid_methods", None)
            headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
            kinds = {404: "not-found", 405: "method-not-allowed", 500: "internal"}
            error = Problem(status, kinds.get(status, "bad-request"), headers=headers)
        fhir = request.path.startswith(b"/fhir")
        return self.send(request, self._problem(request, error, fhir=fhir))

    def send(self, request: Incoming, answer: Answer) -> bytes:
        request.release()
        self._intake.metrics.answered(answer.status)
        request.setResponseCode(answer.status, HTTPStatus(answer.status).phrase.encode())
        request.responseHeaders.removeHeader(b"Server")
        request.setHeader(b"Content-Type", answer.media.encode())
        request.setHeader(b"Content-Length", str(len(answer.body)).encode())
        for name, value in (*_FOR_ALL.items(), *answer.headers.items()):
            request.setHeader(name.encode(), value.encode("latin-1", "replace"))
        return answer.body

    def _problem(self, request: Incoming, found: Problem, *, fhir: bool) -> Answer:
        accepted = (request.getHeader(b"Accept-Language") or b"").decode("latin-1")
        language = language_of(accepted, self._intake.settings.language)
        return outcome(found, language) if fhir else problem(found, language)

    def _asked(self, request: Incoming) -> Asked:
        """Raises Problem for nobody we know, a host that is not ours, a body too long."""
        sender, peer = request.sender, request.channel.peer
        hosts = self._intake.settings.hosts
        named = (request.getHeader(b"Host") or b"").decode("latin-1").rpartition(":")
        if hosts and (named[0] or named[2]).lower() not in hosts:
            raise Problem(421, "bad-request", N_("not a name of this intake"))
        if b"access_token" in request.args:  # it would stand in the log of every proxy between
            raise Problem(400, "bad-request", N_("a token belongs into the header Authorization"))
        if sender is None:
            self._intake.trouble(peer, "no valid token")
            raise Problem(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"})
        if request.too_long:
            raise Problem(413, "too-large", limit=self._intake.longest)
        if request.no_room:
            raise Problem(503, "busy", headers={"Retry-After": "5"})
        if request.requestHeaders.hasHeader(b"Content-Encoding"):
            raise Problem(415, "unsupported-type", N_("send it without Content-Encoding"))
        headers = {
            name.decode("latin-1").lower(): values[-1].decode("utf-8", "replace")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        query = {
            name.decode("utf-8", "replace"): [v.decode("utf-8", "replace") for v in values]
            for name, values in request.args.items()
        }
        body = request.content.getvalue()
        return Asked(
            sender=sender, peer=f"{peer} {sender.name}", headers=headers, query=query, body=body
        )


def _state(found: Looked) -> dict[str, Any]:
    deliveries = [fate.delivery for fate in found.fates]
    rows = [(d.purpose, d.state) for d in deliveries]
    told = ({"to": d.to, "purpose": d.purpose, "state": d.state} for d in deliveries)
    stored = found.stored
    return {
        "id": stored.id,
        "control_id": stored.control_id,
        "received_at": datetime.fromtimestamp(stored.received_at, UTC).isoformat("T", "seconds"),
        "kind": stored.kind,
        "ward": stored.ward,
        "state": standing(rows, refused=bool(stored.refused)),
        "refused": stored.refused,
        "deliveries": list(told),
    }


def _local(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return peer == "local"
