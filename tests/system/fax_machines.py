"""The hospital's exchange and the fax machines behind it, for tests: a second Asterisk, of its own dialplan.

What is dialled decides what is there: a machine that takes T.38 or sound only, one of another number, a
line that is busy, rings on or is cut, a person who says hello. Received pages lie in `received`.
"""

from __future__ import annotations

import contextlib

from tests.system.asterisk import Asterisk

T38 = "0155501001"
NEW = "0155501002"  # as T38; nobody has tested it yet
BUSY = "0155501003"
RINGS = "0155501004"
VOICE = "0155501005"
SILENT = "0155501008"  # answers, and never a sound
STRANGER = "0155501006"  # answers as another number than its own
CUT = "0155501007"  # loses its line in the middle of the page
MANY = "015552{:04d}"  # as T38, however many are wanted
SOUND = "205"  # a machine on a telephone adapter: no T.38

EXCHANGE, ADAPTER = "127.0.0.2", "127.0.0.3"  # where calls come from: 127.0.0.1 is Wardline's

_PJSIP = """
[global]
type = global
endpoint_identifier_order = ip

[exchange]
type = transport
protocol = udp
bind = {exchange}:{port}

[adapter]
type = transport
protocol = udp
bind = {adapter}:{port}

[wardline]
type = endpoint
transport = exchange
context = machines
disallow = all
allow = alaw
aors = wardline
direct_media = no
t38_udptl = yes
t38_udptl_ec = redundancy
t38_udptl_maxdatagram = 400

[wardline]
type = aor
contact = sip:127.0.0.1:{wardline}

[wardline]
type = identify
endpoint = wardline
match = 127.0.0.1

[adapter-login]
type = auth
auth_type = digest
username = {sound}
password = {secret}

[adapter-registration]
type = registration
transport = adapter
outbound_auth = adapter-login
server_uri = sip:127.0.0.1:{wardline}
client_uri = sip:{sound}@127.0.0.1:{wardline}
contact_user = {sound}
retry_interval = 1
"""

_MACHINES = """
[machines]
exten => {T38},1,Goto(machine,s,1)
exten => {NEW},1,Goto(machine,s,1)
exten => _015552XXXX,1,Goto(machine,s,1)
exten => {SOUND},1,Goto(machine,s,1)
exten => {STRANGER},1,Set(SAYS=0155509999)
 same => n,Goto(machine,s,1)
exten => {CUT},1,Set(TIMEOUT(absolute)=12)
 same => n,Goto(machine,s,1)
exten => {BUSY},1,Hangup(17)
exten => {RINGS},1,Ringing()
 same => n,Wait(120)
exten => {SILENT},1,Answer()
 same => n,Wait(300)
exten => {VOICE},1,Answer()
 same => n,Playback(vm-intro&vm-intro)
 same => n,Hangup()

[machine]
exten => s,1,Set(NUMBER=${{CALLERID(dnid)}})
 same => n,Set(FAXOPT(localstationid)=${{IF($["${{SAYS}}" = ""]?${{NUMBER}}:${{SAYS}})}})
 same => n,Answer()
 same => n,ReceiveFAX({received}/${{NUMBER}}-${{UNIQUEID}}.tif,f)

[sender]
exten => _[a-z]!,1,Set(FAXOPT(localstationid)=+33155501234)
 same => n,SendFAX({outgoing}/${{EXTEN}}.tif)

[cut-sender]
exten => _[a-z]!,1,Set(TIMEOUT(absolute)=14)
 same => n,Goto(sender,${{EXTEN}},1)
"""


class Machines(Asterisk):
    """Beside a Wardline's Asterisk on `wardline`, its SIP port."""

    def __init__(self, folder, *, port, wardline):
        self.port, self.wardline = port, wardline
        super().__init__(folder)

    @property
    def received(self):
        return self.folder / "received"

    @property
    def outgoing(self):
        return self.folder / "outgoing"

    def write(self, numbers=None):
        self.sip_port = self.port
        super().write(numbers)
        for folder in (self.received, self.outgoing):
            folder.mkdir(exist_ok=True)
        etc = self.folder / "etc"
        names = {name: value for name, value in globals().items() if name.isupper()}
        (etc / "pjsip.conf").write_text(
            _PJSIP.format(
                exchange=EXCHANGE,
                adapter=ADAPTER,
                port=self.port,
                wardline=self.wardline,
                sound=SOUND,
                secret=(self.folder / "secret").read_text().strip(),
            )
        )
        with (etc / "modules.conf").open("a") as modules:
            modules.write("load = res_clioriginate.so\n")
        folders = {"received": self.received, "outgoing": self.outgoing}
        (etc / "extensions.conf").write_text(_MACHINES.format(**names, **folders))

    def send(self, name, *, to, cut=False):
        """Fax `outgoing/NAME.tif` to a number of Wardline's."""
        context = "cut-sender" if cut else "sender"
        self.console(f"channel originate PJSIP/{to}@wardline extension {name}@{context}")

    def pages(self, number):
        """The files that a machine has received, oldest first."""
        return sorted(self.received.glob(f"{number}-*.tif"))

    def close(self):
        with contextlib.suppress(Exception):
            super().close()
