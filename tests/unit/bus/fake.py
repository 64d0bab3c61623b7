"""A bus in memory whose every answer the test gives, on a clock that stands still."""

from __future__ import annotations

from types import SimpleNamespace

from twisted.internet.defer import Deferred

from gateway.bus.role import Arrived, Trouble, Verdict
from gateway.bus.settings import BusPlatform


class Settings(BusPlatform):
    """A platform on the fake bus."""

    address: str = "{message}.{event}"


def settings(**more):
    return Settings.model_validate({"connect": "tcp:127.0.0.1:1", **more})


def message(control_id="A1", *extra):
    head = f"MSH|^~\\&|SIL|LABO|DPI|HOP|20261123||ORU^R01|{control_id}|P|2.5"
    return "\r".join((head, "PID|1||69102274^^^H^PI||X^Y", *extra, "")).encode()


class Session:
    """One session; `published`, `sent` and `pings` hold what was asked of it, with its answers to be."""

    def __init__(self, holder):
        self.holder = holder
        self.published, self.sent, self.pings = [], [], []
        self.closed = 0
        self.longest = 10**9

    def objection(self, parcel):
        return "too long for this bus" if len(parcel.body) > self.longest else ""

    def publish(self, parcel):
        answer = Deferred()
        self.published.append(SimpleNamespace(parcel=parcel, answer=answer))
        return answer

    def send(self, word):
        self.sent.append(word)

    def ping(self):
        answer = Deferred()
        self.pings.append(answer)
        return answer

    def close(self):
        self.closed += 1
        done = Deferred()
        done.callback(None)
        return done

    # -- what the test does

    def confirm(self, index=-1):
        self.published[index].answer.callback(None)

    def fail(self, error, index=-1):
        self.published[index].answer.errback(error)

    def lose(self, reason="connection lost"):
        self.holder.lost(Trouble(reason))

    def sing(self, count=1):
        """Give back the oldest canaries."""
        for word in self.sent[:count]:
            self.holder.returned(word)
        del self.sent[:count]

    def answer(self, trouble=None):
        """Answer the pings that wait."""
        pings, self.pings = self.pings, []
        for ping in pings:
            if trouble is None:
                ping.callback(None)
            else:
                ping.errback(trouble)


class Driver:
    """Opens sessions when the test lets it; `tries` are those under way."""

    def __init__(self):
        self.tries, self.sessions = [], []

    def _open(self, settings, *, base, holder):
        opening = Deferred()
        self.tries.append((holder, opening))
        return opening

    target = source = canary = _open

    # -- what the test does

    def accept(self):
        holder, opening = self.tries.pop(0)
        session = Session(holder)
        self.sessions.append(session)
        opening.callback(session)
        return session

    def refuse(self, reason="connection refused", *, sure=True):
        _, opening = self.tries.pop(0)
        opening.errback(Trouble(reason, sure=sure))

    @property
    def session(self):
        return self.sessions[-1]


class Parcels:
    """Makes `Arrived`s and remembers their verdicts."""

    def __init__(self):
        self.verdicts = []

    def __call__(self, body, **more):
        return Arrived(body=body, settle=self.verdicts.append, **more)

    @property
    def taken(self):
        return self.verdicts.count(Verdict.TAKEN)


class Judge:
    """Writes down what it is told."""

    def __init__(self):
        self.seen = []
        self.trial_limit = None

    def __getattr__(self, name):
        def note(*args, **kwargs):
            self.seen.append((name, *args, *kwargs.values()))

        return note
