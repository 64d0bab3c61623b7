"""The site's numbers in Asterisk: `wardline asterisk render`, and what `wardline check` says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from gateway import oncall
from gateway.asterisk.dialable import dialable
from gateway.asterisk.files import TEMPLATES, Numbers, render, write
from gateway.asterisk.lint import lint
from gateway.asterisk.settings import TelephonySettings
from gateway.asterisk.template import Unfit
from gateway.calling.targets import digits
from gateway.config import Site
from gateway.errors import Unusable
from gateway.locale import LANGUAGES


def numbers(site: Site) -> Numbers:
    """Every number of the site's directory: what the dialplan will dial, and nothing else."""
    directory = site.directory()
    phones = [
        *(ward.phone for ward in directory.wards.values()),
        directory.lab.phone,
        *(person.phone for person in directory.people.values()),
        *(shift.phone for roster in directory.rosters.values() for shift in roster.shifts),
    ]
    faxes = [
        *(ward.fax for ward in directory.wards.values()),
        *(
            str(getattr(device, "number", None) or "")
            for device in site.devices
            if device.kind == "fax"
        ),
    ]
    return Numbers(
        phones=tuple(dict.fromkeys(digits(n) for n in phones if n)),
        faxes=tuple(dict.fromkeys(digits(n) for n in faxes if n)),
        lab=digits(directory.lab.phone),
        site=site.site.name,
    )


def by_context(site: Site) -> Callable[[str], Collection[str]]:
    """What a phone asks before it dials: the directory's numbers for "wardline-out" and "fax-send"."""
    known = numbers(site)
    sets = {"wardline-out": frozenset(known.phones), "fax-send": frozenset(known.faxes)}
    return lambda context: sets.get(context, frozenset())


def run(site: Site, *, out: Path) -> int:
    """Write Asterisk's files into the folder `out`. Raises Unusable."""
    telephony = _telephony(site)
    try:
        files = render(telephony, numbers(site), base=site.base)
    except Unfit as unfit:
        raise Unusable(str(unfit)) from unfit
    write(files, out)
    print(f"{len(files)} files and the sounds are in {out}")
    print("they hold secrets: for Asterisk's user only")
    print(
        "then: asterisk -rx 'core reload' (a changed AMI port, SIP address or module list: restart it)"
    )
    return 0


def faults(site: Site) -> list[str]:
    """What is wrong with the telephone: one line each. Nothing is sent to Asterisk."""
    if site.telephony is None:
        return []
    telephony, found = site.telephony, []
    known = numbers(site)
    phones = {phone.number for phone in telephony.phones}
    for number in dict.fromkeys((*known.phones, *known.faxes)):
        if not dialable(number, telephony.allow):
            found.append(f"telephony.allow: {number} is in the directory and cannot be dialled")
        elif number not in phones and telephony.trunk is None:
            found.append(f"telephony: {number} is no phone of ours, and there is no trunk")
    found += _open_secrets(site)
    if any(plan.calls for plan in site.plans.values()):
        found += oncall.faults(site.directory())
    try:
        files = render(telephony, known, base=site.base)
    except Unfit as unfit:
        return [*found, f"telephony: {unfit}"]
    where, files = _installed(telephony, files, found)
    sounds = where / "sounds" if where != TEMPLATES else TEMPLATES / "sounds"
    root = str(telephony.pbx.etc / "sounds")

    def heard(path: str, language: str) -> bool:
        # In the templates' folder the sounds lie where they come from.
        return Path(path.replace(root, str(sounds)) + ".wav").is_file()

    return [*found, *lint(files, sounds=heard, languages=LANGUAGES)]


def _open_secrets(site: Site) -> Iterator[str]:
    """Secrets that everybody on this machine may read."""
    telephony = site.telephony
    assert telephony is not None, "asked for a telephone"
    trunk = telephony.trunk.secret_file if telephony.trunk is not None else None
    paths = (
        telephony.secret_file,
        *(phone.secret_file for phone in telephony.phones),
        trunk,
        telephony.pbx.private_key,
        *(person.pin_file for person in site.people),
    )
    for path in dict.fromkeys(site.path(path) for path in paths if path is not None):
        if path.is_file() and path.stat().st_mode & 0o007:
            yield f"{path}: everybody on this machine may read it: chmod o= {path}"


def _installed(
    telephony: TelephonySettings, files: dict[str, str], found: list[str]
) -> tuple[Path, dict[str, str]]:
    """What Asterisk runs, where it is on this machine and may be read; else what would be rendered."""
    etc = telephony.pbx.etc
    try:
        there = {name: (etc / name).read_text("utf-8") for name in files}
    except (OSError, UnicodeDecodeError):
        return TEMPLATES, files
    stale = [name for name, text in files.items() if there[name] != text]
    if stale:
        found.append(
            f"{etc}: not as rendered: {', '.join(stale)}: render again, or keep your changes in dialplans/"
        )
    return etc, there


def _telephony(site: Site) -> TelephonySettings:
    if site.telephony is None:
        raise Unusable("the site's file has no [telephony]")
    return site.telephony
