"""The verbs a person types."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.internet import asyncioreactor

if "twisted.internet.reactor" not in sys.modules:
    asyncioreactor.install()  # before anything that imports the reactor

from gateway import __version__, config
from gateway.errors import Unusable

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is the process's."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.verb(options))
    except config.Faults as faults:
        for fault in faults.faults:
            print(f"wardline: {fault}", file=sys.stderr)
        return 2
    except Unusable as refusal:
        print(f"wardline: {refusal}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wardline",
        description="Lab results and orders reach the wards when the main messaging platform is down.",
    )
    parser.add_argument("--version", action="version", version=f"wardline {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _service_verbs(verbs)
    _reading_verbs(verbs)
    _people_verbs(verbs)
    _fax_verbs(verbs)
    _tool_verbs(verbs)
    return parser


def _verb(verbs: Verbs, name: str, *, does: str, run: object) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=does, description=does)
    verb.set_defaults(verb=run)
    return verb


def _with_config(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    verb.add_argument("--config", type=Path, required=True, metavar="FILE", help="the site's file")
    return verb


def _service_verbs(verbs: Verbs) -> None:
    run = _verb(verbs, "run", does="run the service in the foreground", run=_run)
    _with_config(run).add_argument("--log-level", default="INFO", help="DEBUG, INFO, WARNING…")
    check = _verb(verbs, "check", does="check the site's file, and its devices", run=_check)
    _with_config(check).add_argument(
        "--devices", action="store_true", help="ask every device too (prints a test line on each)"
    )
    outage = _verb(verbs, "outage", does="say that the platform is down, or back", run=_outage)
    outage.add_argument("word", choices=("begin", "end"))
    _with_config(outage).add_argument("--reason", required=True, metavar="TEXT")
    pack = _verb(verbs, "pack", does="print a ward's last results, as far as known", run=_pack)
    _with_config(pack).add_argument("--ward", required=True, metavar="CODE")


def _reading_verbs(verbs: Verbs) -> None:
    status = _verb(verbs, "status", does="how platform, devices and messages are", run=_status)
    _with_config(status).add_argument("--json", action="store_true")
    messages = _verb(verbs, "messages", does="every message and what became of it", run=_messages)
    _with_config(messages).add_argument("--json", action="store_true")
    messages.add_argument("--control-id", metavar="ID", help="only this MSH-10")
    report = _verb(verbs, "report", does="who received what during an outage", run=_report)
    _with_config(report).add_argument("--outage", default="last", metavar="last|ID")
    report.add_argument("--format", choices=("json", "csv", "pdf"), default="json")
    report.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    asterisk = _verb(verbs, "asterisk", does="write what the site's Asterisk runs", run=_asterisk)
    asterisk.add_argument("word", choices=("render",))
    _with_config(asterisk).add_argument("--out", type=Path, required=True, metavar="DIR")
    journal = _verb(verbs, "journal", does="prove that the record was not altered", run=_journal)
    journal.add_argument("word", choices=("verify",))
    _with_config(journal)


def _people_verbs(verbs: Verbs) -> None:
    people = _verb(verbs, "people", does="make the hash of a PIN for the site's file", run=_people)
    people.add_argument("word", choices=("hash",))
    people.add_argument("--code", default="", metavar="CODE", help="the personal code it goes with")
    held = _verb(
        verbs, "held", does="what waits for a person: list, let through, refuse", run=_held
    )
    held.add_argument("word", choices=("list", "let", "refuse"))
    held.add_argument("number", nargs="?", type=int, metavar="ID", help="the message's")
    _with_config(held).add_argument("--json", action="store_true")
    held.add_argument("--reason", default="", metavar="TEXT", help="why, for the journal")
    said = _verb(
        verbs, "acknowledge", does="somebody told the laboratory: I have this slip", run=_said
    )
    said.add_argument("slip", metavar="CODE", help="the code under the slip")
    _with_config(said).add_argument("--by", required=True, metavar="NAME", help="who has it")
    said.add_argument("--person", default="", metavar="CODE", help="their code in the directory")
    said.add_argument("--read-back", default="", metavar="VALUE", help="the value they read back")
    work = _verb(verbs, "worklist", does="critical results nobody said to have", run=_worklist)
    _with_config(work).add_argument("--json", action="store_true")
    work.add_argument("--since", default="24h", metavar="LENGTH", help="how far back: 24h, 7d")


def _fax_verbs(verbs: Verbs) -> None:
    fax = _verb(verbs, "fax", does="fax numbers: list, send a test page, confirm it", run=_fax)
    fax.add_argument("word", choices=("list", "test", "confirm"))
    fax.add_argument("name", nargs="?", metavar="NAME", help="the device's")
    fax.add_argument("code", nargs="?", default="", metavar="CODE", help="on the test page")
    _with_config(fax).add_argument("--json", action="store_true")


def _tool_verbs(verbs: Verbs) -> None:
    from gateway import sending
    from printers import virtual

    printer = _verb(verbs, "printer", does="a virtual ward printer", run=virtual.run)
    virtual.add_arguments(printer)
    send = _verb(verbs, "send", does="send HL7 messages over MLLP, show each ack", run=sending.run)
    sending.add_arguments(send)


def _run(options: argparse.Namespace) -> int:
    from gateway import app

    return app.run(config.read(options.config), log_level=options.log_level)


def _check(options: argparse.Namespace) -> int:
    from gateway import checking

    site = config.read(options.config)
    return checking.run(site, devices=options.devices)


def _outage(options: argparse.Namespace) -> int:
    from gateway import telling

    return telling.outage(config.read(options.config), options.word, reason=options.reason)


def _pack(options: argparse.Namespace) -> int:
    from gateway import telling

    return telling.pack(config.read(options.config), options.ward)


def _status(options: argparse.Namespace) -> int:
    from gateway import telling

    return telling.status(config.read(options.config), as_json=options.json)


def _messages(options: argparse.Namespace) -> int:
    from gateway import telling

    site = config.read(options.config)
    return telling.messages(site, control_id=options.control_id, as_json=options.json)


def _report(options: argparse.Namespace) -> int:
    from gateway import telling

    site = config.read(options.config)
    return telling.report(site, outage=options.outage, form=options.format, output=options.output)


def _people(options: argparse.Namespace) -> int:
    from gateway import asking

    return asking.pin(code=options.code)


def _held(options: argparse.Namespace) -> int:
    from gateway import asking

    site = config.read(options.config)
    return asking.held(
        site, options.word, options.number, reason=options.reason, as_json=options.json
    )


def _said(options: argparse.Namespace) -> int:
    from gateway import asking

    site = config.read(options.config)
    return asking.acknowledge(
        site, options.slip, by=options.by, person=options.person, read_back=options.read_back
    )


def _worklist(options: argparse.Namespace) -> int:
    from gateway import asking
    from gateway.settings import seconds

    site = config.read(options.config)
    try:
        since = seconds(options.since)
    except ValueError as error:
        raise Unusable(f"--since: {error}") from error
    return asking.worklist(site, since=since, as_json=options.json)


def _fax(options: argparse.Namespace) -> int:
    from gateway import vouching

    site = config.read(options.config)
    if options.word == "list":
        return vouching.faxes(site, as_json=options.json)
    if options.word == "test":
        return vouching.test(site, options.name)
    return vouching.confirm(site, options.name, options.code)


def _asterisk(options: argparse.Namespace) -> int:
    from gateway import switchboard

    return switchboard.run(config.read(options.config), out=options.out)


def _journal(options: argparse.Namespace) -> int:
    from gateway import telling

    return telling.verify(config.read(options.config))


if __name__ == "__main__":
    sys.exit(main())
