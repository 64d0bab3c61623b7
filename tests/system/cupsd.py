"""A CUPS of the tests' own: private files, a free port, one raw queue in front of a printer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

import pytest

from tests.system.rabbitmq import install

FILES = """ServerRoot {0}/etc
RequestRoot {0}/spool
CacheDir {0}/cache
StateDir {0}/state
TempDir {0}/tmp
AccessLog {0}/log/access
ErrorLog {0}/log/error
PageLog {0}/log/page
User lp
Group lp
SystemGroup root
"""
CONFIG = """LogLevel warn
Listen 127.0.0.1:{1}
WebInterface No
Browsing Off
DefaultAuthType None
<Location />
Order allow,deny
Allow all
</Location>
<Location /admin>
Order allow,deny
Allow all
</Location>
<Policy default>
<Limit All>
Order deny,allow
Allow all
</Limit>
</Policy>
"""


class Cups:
    """`queue` is the address of its one queue."""

    def __init__(self, folder, printer):
        if os.geteuid() != 0:
            pytest.skip("a private cupsd needs root")
        install("cups-daemon", "cups-client")
        self.folder = folder
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        for name in ("etc", "spool", "cache", "state", "tmp", "log"):
            (folder / name).mkdir(parents=True)
        (folder / "files.conf").write_text(FILES.format(folder))
        (folder / "cupsd.conf").write_text(CONFIG.format(folder, self.port))
        self._open_to_lp()
        words = ["cupsd", "-f", "-c", folder / "cupsd.conf", "-s", folder / "files.conf"]
        self.log = (folder / "out").open("w")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log)
        self._wait()
        words = ["lpadmin", "-h", self.server, "-p", "eve", "-E", "-v", printer, "-m", "raw"]
        subprocess.run(words, check=True, capture_output=True)

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    @property
    def queue(self):
        return f"ipp://{self.server}/printers/eve"

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open_to_lp(self):
        """cupsd gives up being root: what it writes to must be lp's, and the way there open."""
        subprocess.run(["chown", "-R", "lp:lp", self.folder], check=True)
        for folder in (self.folder, *self.folder.parents):
            if folder.stat().st_uid == os.getuid() and folder.name:
                folder.chmod(folder.stat().st_mode | 0o011)

    def _wait(self):
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < end, (self.folder / "out").read_text()
                time.sleep(0.05)
            else:
                return
