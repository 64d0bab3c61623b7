"""The console in a real browser: whatever strangers sent is text there, and people find their way."""

from __future__ import annotations

import http.client
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from demo.hospital import free_ports
from gateway.store import views
from tests.system.chromium import PACKAGE, Browser, program

pytestmark = pytest.mark.system

WARDLINE = str(Path(sys.executable).with_name("wardline"))
PIN = "836194"
SITE = """
[site]
code = "HEX"
name = "Hôpital <b>Exemple</b>"
[platform]
kind = "mllp"
connect = "tcp:127.0.0.1:{dead}"
probe_every = "1s"
down_after = "3s"
up_after = "30s"
[[intakes]]
name = "labo"
kind = "mllp"
listen = "tcp:{mllp}:interface=127.0.0.1"
mode = "direct"
[[intakes]]
name = "courriel"
kind = "smtp"
listen = "tcp:{smtp}:interface=127.0.0.1"
domains = ["print.chu.example"]
unverified_per_hour = 10000
[[devices]]
name = "slip"
kind = "escpos"
connect = "tcp:127.0.0.1:{dead}"
model = "TM-T20III"
[[wards]]
code = "CARD"
name = "Cardiologie"
devices = ["slip"]
[lab]
devices = ["slip"]
[[people]]
code = "1001"
name = "Awa Diallo"
roles = ["lab", "downtime"]
pin = '{pin}'
[console]
listen = "tcp:{console}:interface=127.0.0.1"
"""
#: What somebody may write where a name, a value, a unit or a comment is expected.
PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'onmouseover='alert(1)",
    "<svg/onload=alert(1)>", "</title><script>alert(1)</script>", "javascript:alert(1)",
    "<iframe src=http://127.0.0.1:1/x></iframe>", "<meta http-equiv=refresh content=0;url=http://127.0.0.1:1>",
    "<link rel=stylesheet href=http://127.0.0.1:1/x.css>", "{{7*7}}{%print(1)%}",
    "<style>*{display:none}</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "\u202egpj.exe", "--><!--", "</textarea></form><base href=//x>",
)  # fmt: skip


def hl7(number, payload):
    text = payload.replace("&", "\\T\\")
    fields = {"name": text, "value": text}
    return (
        f"MSH|^~\\&|SIL{number}|LABO|W|H|20260101||ORU^R01|X{number}<b>|P|2.5||||||UNICODE UTF-8\r"
        f"PID|1||47{number:04d}^^^CHU^PI||{fields['name']}^{fields['name']}||19500101|F\rPV1|1|I|CARD^1^{text}\r"
        f"OBR|1|P{number}|{number}|B^{text}\rOBX|1|ST|K^{text}||{fields['value']}|{text}|{text}|HH|||F\r"
        f"NTE|1||{text}\r"
    ).encode()


def mail(payload):
    """The body is a page, and its text says so too."""
    return (
        f"From: {payload} <dr@elsewhere.example>\r\nTo: card@print.chu.example\r\nSubject: {payload}\r\n"
        f"Message-ID: <{abs(hash(payload))}@elsewhere.example>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"<html><body onload=alert(1)><p>Bonjour</p>{payload}</body></html>\r\n"
    ).encode()


def corpora():
    """What of the corpora aims at a reader of HTML, messages and mails, where they are to be had."""
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        return [], []
    messages = [p.read_bytes() for p in sorted(Path(where, "own/hl7-torture").glob("inj_*.hl7"))]
    letters = [
        path.read_bytes()
        for path in sorted(Path(where, "own/mail-hostile").glob("*.eml"))
        if path.name.startswith(("html_", "hdr_from", "fname_d", "svg", "pdf_js", "hdr_subj"))
    ]
    return messages, letters


class Service:
    """Wardline as a process, its mail and its HL7 spoken to."""

    def __init__(self, folder):
        self.folder = folder
        self.mllp, self.smtp, self.console, dead = free_ports(4)
        pin = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
        ports = {"mllp": self.mllp, "smtp": self.smtp, "console": self.console, "dead": dead}
        (folder / "site.toml").write_text(SITE.format(pin=pin, **ports), "utf-8")
        self.log = folder / "wardline.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [WARDLINE, "run", "--config", str(folder / "site.toml")],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout.readline().strip() == "ready", self.log.read_text()
        self.base = f"http://127.0.0.1:{self.console}"

    def messages(self):
        return views.messages(self.folder / "var" / "wardline.db")

    def sends(self, messages):
        with socket.create_connection(("127.0.0.1", self.mllp), 10) as line:
            for raw in messages:
                line.sendall(b"\x0b" + raw.replace(b"\n", b"\r") + b"\x1c\r")
                heard = b""
                while not heard.endswith(b"\x1c\r"):
                    got = line.recv(65536)
                    assert got, "closed without an answer"
                    heard += got

    def mails(self, letters):
        for raw in letters:
            with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as line:
                line.ehlo("elsewhere.example")
                line.mail("dr@elsewhere.example")
                line.rcpt("card@print.chu.example")
                line.data(raw)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.process.stdout.close()
        assert code == 0, self.log.read_text()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("console"))
    try:
        messages, letters = corpora()
        service.sends([*(hl7(n, payload) for n, payload in enumerate(PAYLOADS, 1)), *messages])
        service.mails([*map(mail, PAYLOADS[:6]), *letters])
        yield service
    finally:
        service.close()


@pytest.fixture(scope="module")
def browser():
    if program() is None:
        subprocess.run(["tools/packages", PACKAGE], check=False)
    if program() is None:
        pytest.skip(f"no browser: sudo apt-get install {PACKAGE}")
    browser = Browser()
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="module")
def tab(browser, service):
    """Somebody of the laboratory has logged in."""
    tab = browser.tab()
    tab.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": "fr"})
    tab.go(service.base + "/")
    tab.send("main form", code="1001", pin=PIN)
    assert "PLATEFORME" in tab.text
    return tab


def calm(tab, service):
    """Nothing was run, nothing was asked of anybody else, and the browser has nothing to complain of."""
    assert tab.events("Page.javascriptDialogOpening") == []
    asked = [e["request"]["url"] for e in tab.events("Network.requestWillBeSent")]
    # The browser's own picture of a calendar, for a field of a day, comes out of the browser itself.
    assert [
        url for url in asked if not url.startswith((service.base + "/", "data:image/svg"))
    ] == []
    said = [e["entry"] for e in tab.events("Log.entryAdded")]
    assert [entry["text"] for entry in said if entry["level"] != "verbose"] == []
    assert (
        tab.run(
            "document.scripts.length + document.querySelectorAll('iframe, object, embed, base').length"
        )
        == 0
    )
    assert tab.run("document.querySelectorAll('link').length") == 2


def until(fact, tab):
    end = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < end, tab.text


PAGES = ("/", "/worklist", "/held", "/dictations", "/messages", "/outages", "/journal")


def test_every_hostile_text_is_text(tab, service):
    stored = [m for m in service.messages() if m["intake"] in ("labo", "courriel")]
    assert len(stored) >= len(PAYLOADS) + 6
    for message in stored:
        tab.go(f"{service.base}/messages/{message['id']}")
        assert f"Message {message['id']}" in tab.text, message
        ours = tab.run("[...document.images].every(i => i.src.includes('/messages/'))")
        assert ours, message
    for page in PAGES:
        tab.go(service.base + page)
    calm(tab, service)


@pytest.mark.parametrize("number", range(1, len(PAYLOADS) + 1))
def test_a_person_reads_what_was_sent(tab, service, number):
    payload = PAYLOADS[number - 1].replace("\u202e", "·")
    message = service.messages()[number - 1]
    tab.go(f"{service.base}/messages/{message['id']}")
    assert payload.upper() in " ".join(tab.text.split()).upper()


def test_what_is_held_is_looked_at_without_being_opened(tab, service):
    (first, *_) = [m for m in service.messages() if m["intake"] == "courriel"]
    tab.go(service.base + "/held")
    assert f"/messages/{first['id']}" in tab.run("document.body.innerHTML")
    tab.go(f"{service.base}/messages/{first['id']}")
    assert "Bonjour" in tab.text
    tab.send(f'form[action="/held/{first["id"]}"]', pin=PIN)  # the first button: let it through
    assert f'/messages/{first["id"]}"' not in tab.run("document.body.innerHTML")
    told = next(m for m in service.messages() if m["id"] == first["id"])
    assert all(d["state"] != "quarantined" for d in told["deliveries"])
    calm(tab, service)


def test_a_script_that_got_in_all_the_same_would_not_run(tab, service):
    """The second lock, tried with the first one open."""
    tab.go(service.base + "/")
    ran = tab.run(
        "(function() { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); const d = document.createElement('div');"
        " d.innerHTML = '<img src=x onerror=\"window.ran = 2\">'; document.body.append(d);"
        " return window.ran === undefined; })()"
    )
    assert ran
    assert "Content Security Policy" in json.dumps(tab.events("Log.entryAdded"))


def test_a_phone_shows_every_page_without_scrolling_sideways(browser, tab, service):
    phone = browser.tab()
    phone.size(390, 844, phone=True)
    result = next(m["id"] for m in service.messages() if m["kind"] == "result")
    for page in (*PAGES, f"/messages/{result}"):
        phone.go(service.base + page)
        wide = phone.run("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, page


def test_it_can_be_used_with_the_keyboard_alone(browser, tab, service):
    keys = browser.tab()
    keys.call("Network.clearBrowserCookies")
    keys.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": "fr"})
    keys.go(service.base + "/login")
    until(lambda: keys.run("document.activeElement.name") == "code", keys)  # where one types first
    for text in ("1001", "\t", PIN, "\r"):
        keys.press(text)
    until(lambda: "PLATEFORME" in keys.text, keys)
    keys.press("\t")
    assert keys.run("document.activeElement.className") == "skip"
    seen = keys.run("getComputedStyle(document.activeElement).clipPath")
    assert seen == "none", "who tabs sees where they are"


def test_what_is_printed_is_the_page_and_not_its_buttons(browser, tab, service):
    paper = browser.tab()
    paper.go(service.base + "/login")
    paper.send("main form", code="1001", pin=PIN) if "Code personnel" in paper.text else None
    paper.go(service.base + "/")
    assert paper.printed().startswith(b"%PDF")
    paper.prefer(media="print")
    hidden = paper.run(
        "[...document.querySelectorAll('nav, form')].every(e => !e.checkVisibility())"
    )
    assert hidden


def test_a_report_is_made_beside_the_service_and_comes_as_a_file(tab, service):
    tab.go(service.base + "/outages")  # the platform was never there
    assert "CSV" in tab.text, tab.text
    made = tab.run(
        "(function() { const asked = new XMLHttpRequest();"
        " asked.open('GET', document.querySelector('a[href$=\".json\"]').href, false); asked.send();"
        " return [asked.status, asked.getResponseHeader('Content-Disposition'), asked.responseText]; })()"
    )
    status, name, text = made
    assert status == 200, text
    assert name == 'attachment; filename="wardline-outage-1.json"'
    assert json.loads(text)["outage"]["id"] == 1


def test_the_log_holds_no_name_and_no_pin(tab, service):
    said = service.log.read_text()
    assert PIN not in said
    assert "alert(1)" not in said
    assert "console.bug" not in said


# -- without a browser


def ask(service, method, path, body=None, **headers):
    line = http.client.HTTPConnection("127.0.0.1", service.console, timeout=20)
    try:
        line.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


def test_a_form_that_is_too_long_is_refused(service):
    status, _, _ = ask(
        service, "POST", "/login", b"code=" + b"1" * 60_000, Origin=service.base,
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert status == 413


def test_only_what_is_there_is_there(service):
    assert ask(service, "GET", "/static/../settings.py")[0] == 404
    assert ask(service, "GET", "/static/console.css")[0] == 200
    assert ask(service, "POST", "/worklist", b"", Origin=service.base)[0] == 405
    assert ask(service, "GET", "/messages/99999999999999999999")[0] == 303
