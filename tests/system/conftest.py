"""Real neighbours that several test modules use, each started once."""

from __future__ import annotations

import pytest

from tests.system.nats import Nats
from tests.system.rabbitmq import PACKAGES, Rabbit, install


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory):
    """A RabbitMQ; a test that breaks it mends it."""
    install(*PACKAGES)
    broker = Rabbit(tmp_path_factory.mktemp("rabbit") / "node")
    try:
        yield broker.start()
    finally:
        broker.close()


@pytest.fixture(scope="session")
def nats(tmp_path_factory):
    """A NATS server; a test that breaks it mends it."""
    install("nats-server")
    server = Nats(tmp_path_factory.mktemp("nats") / "server")
    try:
        yield server.start()
    finally:
        server.close()
