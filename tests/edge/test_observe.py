"""What a process writes to its log."""

from __future__ import annotations

import subprocess
import sys

LOGS = """
import logging
from gateway.observe import begin_logging
begin_logging(level="DEBUG")
logging.getLogger("mail.log").warning("%r unrecognised: %s", "peer", "MARTIN")
logging.getLogger("other").warning("heard")
"""


def test_a_mail_said_where_none_was_asked_for_is_not_quoted():
    """aiosmtpd names a command that it does not know: the first word of each line of a mail."""
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True)
    assert "heard" in done.stderr
    assert "MARTIN" not in done.stderr
