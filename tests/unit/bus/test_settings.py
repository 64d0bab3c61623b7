"""What a site may say of a bus, and which faults it is told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway import registry
from gateway.bus import amqp, nats
from gateway.bus.address import split


def faults(settings, **table):
    with pytest.raises(ValidationError) as error:
        settings.model_validate(table)
    return str(error.value)


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        ("tcp:10.0.0.1:5672", (False, "10.0.0.1", 5672)),
        ("tls:bus.chu.fr:5671", (True, "bus.chu.fr", 5671)),
        ("tcp:host=bus:port=5672", (False, "bus", 5672)),
        ("tcp:\\:\\:1:5672", (False, "::1", 5672)),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(endpoint, found):
    assert split(endpoint) == found


@pytest.mark.parametrize("endpoint", ["tcp:bus", "udp:bus:1", "tcp::5672", "tcp:bus:amqp"])
def test_any_other_endpoint_is_a_fault(endpoint):
    assert "a bus is at" in faults(amqp.PlatformSettings, kind="amqp", connect=endpoint)


def test_a_contracts_platform_needs_no_more_than_its_keys():
    made = amqp.PlatformSettings.model_validate(
        {
            "kind": "amqp",
            "connect": "tcp:127.0.0.1:5672",
            "probe_every": "1s",
            "down_after": "3s",
            "up_after": "30s",
        }
    )
    assert (made.user, made.vhost, made.exchange) == ("guest", "/", "wardline")


def test_a_password_comes_from_a_file_or_from_here_and_not_from_both(tmp_path):
    (tmp_path / "bus").write_text("s3cret\n")
    given = {"kind": "amqp", "connect": "tcp:b:1"}
    made = amqp.PlatformSettings.model_validate({**given, "password_file": "bus"})
    assert made.secret(tmp_path) == "s3cret"

    both = {**given, "password": "x", "password_file": "bus"}
    assert "one of them" in faults(amqp.PlatformSettings, **both)


def test_certificates_are_for_tls():
    given = {"kind": "amqp", "connect": "tcp:b:1"}
    assert "tls: endpoint" in faults(amqp.PlatformSettings, **given, ca="ca.pem")
    alone = {**given, "connect": "tls:b:1", "certificate": "x.pem"}
    assert "go together" in faults(amqp.PlatformSettings, **alone)


def test_a_routing_key_with_an_unknown_place_is_a_fault():
    given = {"kind": "amqp", "connect": "tcp:b:1"}
    assert "no place {ward}" in faults(amqp.PlatformSettings, **given, key="{ward}")
    given = {"kind": "nats", "connect": "tcp:b:1"}
    assert "no place {ward}" in faults(nats.PlatformSettings, **given, subject="{ward}")


def test_a_tap_has_a_queue_of_its_own_name():
    given = {"kind": "amqp", "connect": "tcp:b:1", "name": "bus", "mode": "tap"}
    assert amqp.IntakeSettings.model_validate(given).queue_name == "wardline.bus"
    given["queue"] = "copies"
    assert amqp.IntakeSettings.model_validate(given).queue_name == "copies"


def test_every_bus_is_a_way_in_and_a_platform():
    for kind in registry.BUSES:
        assert kind in registry.INTAKES
        assert kind in registry.PLATFORMS
