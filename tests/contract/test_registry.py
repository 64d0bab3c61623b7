"""Whatever is plugged in has what everybody relies on: its settings, its kind, its way to be built."""

from __future__ import annotations

from typing import get_args

import pytest

from gateway import registry
from gateway.settings import Settings

TABLES = {
    "intake": registry.INTAKES,
    "channel": registry.CHANNELS,
    "platform": registry.PLATFORMS,
}
PLUGGED = [
    pytest.param(table, kind, id=f"{role} {kind}")
    for role, table in TABLES.items()
    for kind in table
]


@pytest.mark.parametrize(("table", "kind"), PLUGGED)
def test_its_settings_are_closed_frozen_and_of_its_kind(table, kind):
    settings = registry.load(table, kind).Settings

    assert issubclass(settings, Settings)
    assert settings.model_config["extra"] == "forbid"
    assert kind in get_args(settings.model_fields["kind"].annotation)


@pytest.mark.parametrize("table", [registry.INTAKES, registry.CHANNELS], ids=["in", "out"])
def test_intakes_and_channels_have_a_name_and_can_be_built(table):
    for kind in table:
        module = registry.load(table, kind)
        assert "name" in module.Settings.model_fields
        assert callable(module.build)


def test_every_intake_has_a_mode():
    for kind in registry.INTAKES:
        assert "mode" in registry.load(registry.INTAKES, kind).Settings.model_fields


def test_every_platform_can_be_judged():
    wanted = {"connect", "probe_every", "down_after", "up_after", "window", "handback_rate"}
    for kind in registry.PLATFORMS:
        assert wanted <= set(registry.load(registry.PLATFORMS, kind).Settings.model_fields)


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(registry.Unknown, match="escpos"):
        registry.load(registry.CHANNELS, "pigeon")
