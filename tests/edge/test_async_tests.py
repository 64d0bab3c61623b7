"""The plugin in tests/conftest.py, tried on tests with planted faults."""

import subprocess
import sys
from pathlib import Path

PLANTED = """
import gc
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

async def test_good(tmp_path):
    assert await deferLater(reactor, 0.001, lambda: 3) == 3
    assert await deferToThread(lambda: 4) == 4

@pytest.mark.parametrize("n", [1, 2])
async def test_good_with_parameters(n):
    assert n

async def test_good_it_knows_of_its_error(lost_errors):
    fail(ValueError("expected"))
    gc.collect()
    assert lost_errors.pop().check(ValueError)

def test_good_without_a_loop():
    reactor_was_not_asked = True
    assert reactor_was_not_asked

async def test_bad_assertion():
    assert 1 == 2

async def test_bad_lost_error():
    fail(ValueError("nobody hears this"))

async def test_bad_left_over_timer():
    reactor.callLater(60, print)
"""


def test_planted_faults_fail_and_only_they(tmp_path):
    (tmp_path / "conftest.py").write_text((Path(__file__).parents[1] / "conftest.py").read_text())
    (tmp_path / "test_planted.py").write_text(PLANTED)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )

    failed = {line.split("::")[1].split()[0] for line in done.stdout.splitlines() if "::" in line}
    assert failed == {"test_bad_assertion", "test_bad_lost_error", "test_bad_left_over_timer"}
    assert "3 failed, 5 passed" in done.stdout
