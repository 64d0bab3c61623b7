"""What a bus needs is loaded by those who have a bus."""

from __future__ import annotations

import subprocess
import sys


def test_a_site_without_a_bus_imports_no_bus_library():
    look = (
        "import sys; from gateway import app, registry; registry.load(registry.PLATFORMS, 'mllp');"
        "print([m for m in sys.modules if m.split('.')[0] in ('aio_pika', 'aiormq', 'nats')])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
