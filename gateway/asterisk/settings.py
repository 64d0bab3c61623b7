"""The `[telephony]` table: how to reach Asterisk, what it may dial, and what its own files are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.asterisk.speech.settings import SpeechSettings
from gateway.settings import Duration, Endpoint, Name, Settings

_PATTERN = re.compile(r"(?:[0-9XZN]|\[[0-9]+(?:-[0-9])?[0-9]*\])+")


def _number(text: str) -> str:
    if not re.fullmatch(r"[0-9]{2,15}", text):
        raise ValueError("a telephone number is 2 to 15 digits, as the exchange wants them dialled")
    return text


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError('a pattern is digits and X (0-9), Z (1-9), N (2-9), [1-5]: "01XXXXXXXX"')
    return text


def _loopback(text: str) -> str:
    if not re.fullmatch(r"tcp:[0-9]{1,5}:interface=127(\.[0-9]{1,3}){3}", text):
        raise ValueError('FastAGI has neither password nor TLS: "tcp:4573:interface=127.0.0.1"')
    return text


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text):
        raise ValueError("letters, digits, - and _ only")
    return text


Number = Annotated[str, AfterValidator(_number)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Word = Annotated[str, AfterValidator(_word)]
Language = Literal["fr", "en"]
Port = Annotated[int, Field(ge=1, le=65535)]


class PhoneSettings(Settings):
    """A handset or ATA that registers with our Asterisk."""

    number: Number
    name: Name
    secret_file: Path
    transport: Literal["udp", "tls"] = "udp"
    srtp: bool = False


class TrunkSettings(Settings):
    """The way to the hospital's own exchange."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$")]
    match: tuple[str, ...] = ()  # addresses its calls come from; `host` where empty
    user: str = ""
    secret_file: Path | None = None
    transport: Literal["udp", "tls"] = "udp"
    srtp: bool = False


class LineSettings(Settings):
    """A number of ours that people dial, or that faxes are sent to."""

    number: Number
    language: Language = "fr"


class FaxSettings(Settings):
    """A number whose faxes go to one ward."""

    number: Number
    ward: Name


class PbxSettings(Settings):
    """What `wardline asterisk render` writes into Asterisk's own files; folders are Debian's."""

    sip: str = "0.0.0.0:5060"  # "" where everything uses TLS: then nobody gets in without
    sip_tls: str = ""  # "0.0.0.0:5061" where telephones or the trunk use TLS
    certificate: Path | None = None
    private_key: Path | None = None
    authorities: Path | None = (
        None  # who signed the exchange's certificate; None: it is not looked at
    )
    rtp: tuple[Port, Port] = (10000, 10999)  # two ports for each leg
    udptl: tuple[Port, Port] = (4000, 4099)
    modules: Path = Path("/usr/lib/x86_64-linux-gnu/asterisk/modules")
    etc: Path = Path("/etc/asterisk")
    var: Path = Path("/var/lib/asterisk")  # database and keys
    data: Path = Path("/usr/share/asterisk")  # documentation and sounds
    spool: Path = Path("/var/spool/asterisk")
    run: Path = Path("/run/asterisk")
    log: Path = Path("/var/log/asterisk")


class TelephonySettings(Settings):
    """Everything about the telephone; without this table Wardline has none."""

    ami: Endpoint = "tcp:127.0.0.1:5038"
    user: Word = "wardline"
    secret_file: Path
    agi: Annotated[Endpoint, AfterValidator(_loopback)] = "tcp:4573:interface=127.0.0.1"
    language: Language = "fr"
    caller: Number | None = None  # the number shown to those we call
    caller_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._-]{0,20}$")] = "Wardline"
    allow: tuple[Pattern, ...] = ("XXXX",)  # numbers that may be dialled, if the directory has them
    concurrent: Annotated[int, Field(ge=1, le=100)] = 4
    per_hour: Annotated[int, Field(ge=1, le=60)] = 12  # calls to one number
    fax_lines: Annotated[int, Field(ge=1, le=60)] = 4  # faxes at once, besides calls
    longest: Annotated[Duration, Field(ge=30.0, le=1800.0)] = 300.0  # of one call
    ring: Annotated[Duration, Field(ge=5.0, le=120.0)] = 30.0
    lines: tuple[LineSettings, ...] = ()
    faxes: tuple[FaxSettings, ...] = ()
    phones: tuple[PhoneSettings, ...] = ()
    texts: bool = False  # a text on the screen of `phones` before they ring
    trunk: TrunkSettings | None = None
    recordings: Path = Path(
        "recordings"
    )  # below the site's data; Asterisk must be able to write there
    pbx: PbxSettings = PbxSettings()
    speech: SpeechSettings = SpeechSettings()

    @model_validator(mode="after")
    def _one_meaning_per_number(self) -> TelephonySettings:
        numbers = [
            *(line.number for line in self.lines),
            *(fax.number for fax in self.faxes),
            *(phone.number for phone in self.phones),
        ]
        twice = sorted({n for n in numbers if numbers.count(n) > 1})
        if twice:
            raise ValueError(f"one number, two meanings: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _tls_has_a_certificate(self) -> TelephonySettings:
        ways = [phone.transport for phone in self.phones]
        if self.trunk is not None:
            ways.append(self.trunk.transport)
        if "tls" in ways and not (
            self.pbx.sip_tls and self.pbx.certificate and self.pbx.private_key
        ):
            raise ValueError("TLS needs pbx.sip_tls, pbx.certificate and pbx.private_key")
        if "udp" in ways and not self.pbx.sip:
            raise ValueError("pbx.sip is empty: telephones and trunk must all use TLS")
        return self
