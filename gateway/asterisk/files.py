"""Asterisk's own files, from the templates of `dialplans/` and the site's settings."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.asterisk.dialable import dialable
from gateway.asterisk.settings import PhoneSettings, TelephonySettings, TrunkSettings
from gateway.asterisk.template import Unfit, Value, fill

#: Beside `gateway` in a checkout and where the package is installed.
TEMPLATES = Path(__file__).parents[2] / "dialplans"

_SECRET = re.compile(r"[A-Za-z0-9+/=_.-]{12,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the site's directory gives the dialplan: nothing else can be dialled."""

    phones: Sequence[str] = ()
    faxes: Sequence[str] = ()
    lab: str = ""  # rung by the fallback where Wardline does not answer
    site: str = "WARDLINE"  # on top of every fax page


def secret(path: Path) -> str:
    """The one line of a secret's file. Raises Unfit: for a person, without the secret in it."""
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unfit(f"{path}: cannot be read: {error}") from error
    if not _SECRET.fullmatch(text):
        raise Unfit(f"{path}: a secret is 12 to 128 letters, digits and +/=_.-")
    return text


def caller_secret(ami: str) -> str:
    """What a FastAGI connection must know to be taken for Asterisk's: a child of the AMI secret, so that
    whoever sees the one cannot log in with it."""
    return hmac.new(ami.encode(), b"wardline fastagi", hashlib.sha256).hexdigest()[:32]


def render(
    settings: TelephonySettings, numbers: Numbers, *, base: Path, templates: Path = TEMPLATES
) -> dict[str, str]:
    """File names and contents. Raises Unfit with the file in which the fault is."""
    values = _values(settings, numbers, base)
    made: dict[str, str] = {}
    for path in sorted(templates.glob("*.conf")):
        try:
            made[path.name] = fill(path.read_text("utf-8"), values)
        except Unfit as unfit:
            raise Unfit(f"{path.name}: {unfit}") from unfit
    return made


def write(files: Mapping[str, str], out: Path, *, templates: Path = TEMPLATES) -> None:
    """Write them, and the sounds beside them. Readable for owner and group: there are secrets in them."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        new = out / f".{name}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(out / name)  # whoever reads meanwhile reads all of the old or all of the new
    shutil.copytree(templates / "sounds", out / "sounds", dirs_exist_ok=True)


def _values(settings: TelephonySettings, numbers: Numbers, base: Path) -> dict[str, Value]:
    ami = secret(base / settings.secret_file)
    host, port = _address(settings.ami)
    agi_host, agi_port = _listening(settings.agi)
    pbx = settings.pbx
    phones = {phone.number for phone in settings.phones}

    def dial(number: str) -> Mapping[str, str]:
        way = f"PJSIP/{number}" if number in phones else f"PJSIP/{number}@trunk"
        return {"number": number, "dial": way}

    def reached(listed: Sequence[str]) -> Sequence[Mapping[str, str]]:
        ours = [n for n in dict.fromkeys(listed) if dialable(n, settings.allow)]
        return [dial(n) for n in ours if n in phones or settings.trunk is not None]

    lab = reached([numbers.lab] if numbers.lab else [])
    values: dict[str, Value] = {
        "etc": str(pbx.etc),
        "modules": str(pbx.modules),
        "var": str(pbx.var),
        "data": str(pbx.data),
        "spool": str(pbx.spool),
        "run": str(pbx.run),
        "log": str(pbx.log),
        "sounds": str(pbx.etc / "sounds"),
        "fax_out": str(pbx.spool / "wardline" / "fax-out"),
        "fax_in": str(pbx.spool / "wardline" / "fax-in"),
        "fax_header": re.sub(r"[^A-Za-z0-9 ._-]", " ", numbers.site)[:40],
        "language": settings.language,
        "ami_host": host,
        "ami_port": port,
        "ami_permit": f"{host}/255.255.255.255",
        "ami_user": settings.user,
        "ami_secret": ami,
        "agi_host": agi_host,
        "agi_port": agi_port,
        "agi_secret": caller_secret(ami),
        "caller": settings.caller or "",
        "caller_name": settings.caller_name,
        "concurrent": str(settings.concurrent),
        "longest": str(int(settings.longest)),
        "sip": pbx.sip,
        "sip_tls": pbx.sip_tls,
        "certificate": str(base / pbx.certificate) if pbx.certificate else "",
        "private_key": str(base / pbx.private_key) if pbx.private_key else "",
        "authorities": str(base / pbx.authorities) if pbx.authorities else "",
        "rtp_first": str(pbx.rtp[0]),
        "rtp_last": str(pbx.rtp[1]),
        "udptl_first": str(pbx.udptl[0]),
        "udptl_last": str(pbx.udptl[1]),
        "lines": [{"number": x.number, "language": x.language} for x in settings.lines],
        "faxes": [{"number": x.number} for x in settings.faxes],
        "phones": [_phone(phone, base) for phone in settings.phones],
        "directory": reached(numbers.phones),
        "directory_fax": reached(numbers.faxes),
        "lab": lab[0]["dial"].removeprefix("PJSIP/") if lab else "",
    }
    return {**values, **_trunk(settings.trunk, base)}


def _phone(phone: PhoneSettings, base: Path) -> Mapping[str, str]:
    return {
        "number": phone.number,
        "variant": "-tls" if phone.transport == "tls" else "",
        "secret": secret(base / phone.secret_file),
        "encryption": _encryption(phone.srtp),
    }


def _trunk(trunk: TrunkSettings | None, base: Path) -> Mapping[str, Value]:
    if trunk is None:
        return dict.fromkeys(("trunk", "trunk_user"), "")
    known = trunk.user and trunk.secret_file is not None
    return {
        "trunk": "yes",
        "trunk_host": trunk.host,
        "trunk_transport": trunk.transport,
        "trunk_variant": "-tls" if trunk.transport == "tls" else "",
        "trunk_uri": ";transport=tls" if trunk.transport == "tls" else "",
        "trunk_encryption": _encryption(trunk.srtp),
        "trunk_matches": [{"address": a} for a in trunk.match or (trunk.host.partition(":")[0],)],
        "trunk_auth": "outbound_auth = trunk-login" if known else "",
        "trunk_user": trunk.user if known else "",
        "trunk_secret": secret(base / trunk.secret_file) if trunk.secret_file else "",
        "trunk_at": "@",
    }


def _encryption(srtp: bool) -> str:
    return "media_encryption = sdes" if srtp else "media_encryption = no"


def _address(endpoint: str) -> tuple[str, str]:
    """Host and port of a `tcp:HOST:PORT`."""
    _, _, rest = endpoint.partition(":")
    host, _, port = rest.rpartition(":")
    return host or "127.0.0.1", port


def _listening(endpoint: str) -> tuple[str, str]:
    """Host and port of a `tcp:PORT:interface=HOST`."""
    parts = endpoint.split(":")
    named = dict(p.partition("=")[::2] for p in parts[2:])
    return named.get("interface", "127.0.0.1"), parts[1]
