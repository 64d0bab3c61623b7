"""`wardline check` says what would leave the telephone without a voice."""

from pathlib import Path

from gateway.asterisk.speech.faults import faults
from gateway.asterisk.speech.settings import SpeechSettings


def found(tmp_path, **changes):
    made = SpeechSettings(**{"command": ("sh",), **changes})
    return list(faults(made, base=tmp_path, languages=("fr", "en")))


def test_a_whole_voice_has_none(tmp_path):
    assert found(tmp_path) == []


def test_an_engine_a_lexicon_and_a_recording_that_are_not_there(tmp_path):
    (tmp_path / "own" / "fr").mkdir(parents=True)
    (tmp_path / "own" / "fr" / "index.toml").write_text('"six" = "six"', "utf-8")
    engine, words, sound = found(
        tmp_path,
        command=("no-such-engine",),
        lexicons={"fr": Path("missing.toml")},
        recordings=Path("own"),
    )
    assert "no-such-engine is not installed" in engine
    assert "lexicons.fr" in words
    assert "there is no six.wav" in sound
