"""Recordings first, then the engine, then "call the laboratory": nobody ever hears nothing."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from gateway.asterisk.speech import recordings
from gateway.asterisk.speech.engine import Engine, EngineFailed
from gateway.asterisk.speech.lexicon import built_in
from gateway.asterisk.speech.settings import SpeechSettings
from gateway.asterisk.speech.voice import Voice
from gateway.errors import Unusable
from tests.unit.asterisk.sound import tone

NOW = 1_722_675_600.0


class FakeEngine:
    """Remembers what it was given, and is steered."""

    def __init__(self):
        self.texts = []
        self.answer = lambda: succeed(tone())

    def words(self, text, language, *, speed):
        return ["engine", language, str(speed)]

    def sound(self, text, language, *, speed):
        self.texts.append((text, language, speed))
        return self.answer()


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def voice(engine, tmp_path):
    return Voice(
        SpeechSettings(),
        engine,
        lexicons={"fr": built_in("fr"), "en": built_in("en")},
        recordings={x: recordings.read(x, recordings.HOME) for x in ("fr", "en")},
        cache=tmp_path / "speech",
        now=lambda: NOW,
    )


def done(work):
    found = []
    Deferred.fromCoroutine(work).addBoth(found.append)
    assert found, "it waits"
    return found[0]


def names(said):
    return [Path(p).name for p in said.prompts]


def test_figures_come_from_recordings(voice, engine):
    said = done(voice.say("six virgule huit", "fr"))
    assert names(said) == ["digit-6", "point", "digit-8"]
    assert said.whole
    assert engine.texts == []


def test_figures_that_are_left_are_recorded_as_well(voice):
    assert names(done(voice.say("4 0 2", "fr"))) == ["digit-4", "digit-0", "digit-2"]


def test_words_come_from_the_engine_and_are_kept(voice, engine):
    first = done(voice.say("potassium: six virgule huit", "fr"))
    again = done(voice.say("potassium:  six virgule huit", "fr"))
    assert first == again
    assert len(engine.texts) == 1
    (prompt,) = first.prompts
    made = Path(f"{prompt}.wav")
    assert made.is_absolute()
    assert made.stat().st_mode & 0o777 == 0o640
    assert made.parent.stat().st_mode & 0o007 == 0


def test_another_language_speed_or_text_is_another_sound(voice, engine):
    said = [
        done(voice.say(text, language, slowly=slowly))
        for text, language, slowly in (
            ("potassium", "fr", False), ("potassium", "en", False), ("potassium", "fr", True),
            ("sodium", "fr", False),
        )
    ]  # fmt: skip
    assert len({s.prompts for s in said}) == 4
    assert [speed for _, _, speed in engine.texts] == [145, 145, 105, 145]


def test_the_engine_gets_no_figures_options_or_phonemes(voice, engine):
    done(voice.say("--help [[p@t]] 12 |x\x00y", "fr"))
    assert engine.texts[0][0] == "help p@t douze x y"


FAILING = {
    "missing": lambda: fail(EngineFailed("is not installed")),
    "noise": lambda: succeed(b"no sound"),
    "silence": lambda: succeed(tone(level=0)),
}


@pytest.mark.parametrize("answer", FAILING.values(), ids=FAILING)
def test_when_the_engine_fails_the_lab_is_named(voice, engine, answer):
    engine.answer = answer
    said = done(voice.say("potassium: six virgule huit", "fr"))
    assert names(said) == ["call-lab"]
    assert not said.whole


def test_figures_are_said_even_then(voice, engine):
    engine.answer = lambda: fail(EngineFailed("took too long"))
    assert names(done(voice.say("six virgule huit", "fr", slowly=True))) == [
        "digit-6",
        "point",
        "digit-8",
    ]


def test_two_callers_wait_for_one_rendering_and_one_may_hang_up(voice, engine):
    waiting = Deferred()
    engine.answer = lambda: waiting
    first = Deferred.fromCoroutine(voice.say("potassium", "fr"))
    second = Deferred.fromCoroutine(voice.say("potassium", "fr"))
    heard = []
    second.addCallback(heard.append)
    first.addErrback(lambda failure: None)
    first.cancel()
    waiting.callback(tone())
    assert heard[0].whole
    assert len(engine.texts) == 1


def test_what_is_older_is_forgotten(voice, tmp_path):
    (prompt,) = done(voice.say("potassium", "fr")).prompts
    assert voice.purge(before=NOW - 1) == 0
    assert voice.purge(before=NOW + 1) == 1
    assert not Path(f"{prompt}.wav").exists()


def test_a_sound_is_there_wholly_or_not_at_all(voice, engine, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert not done(voice.say("potassium", "fr")).whole
    assert list((tmp_path / "speech").glob("*/*.wav")) == []


def test_a_sites_own_recordings_stand_before_ours(tmp_path):
    own = tmp_path / "fr"
    own.mkdir()
    (own / "index.toml").write_text('"Potassium" = "k"\n"six" = "six"\n', "utf-8")
    for name in ("k", "six"):
        (own / f"{name}.wav").write_bytes(tone())
    found = recordings.read("fr", recordings.HOME, tmp_path)
    prompts = found.find("potassium: six virgule huit.")
    assert [Path(p).name for p in prompts] == ["k", "six", "point", "digit-8"]
    assert found.find("potassium élevé") == ()


def test_a_recording_that_is_not_there_is_a_fault(tmp_path):
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "index.toml").write_text('"potassium" = "k"\n', "utf-8")
    with pytest.raises(Unusable, match=r"there is no k\.wav"):
        recordings.read("fr", recordings.HOME, tmp_path)
    with pytest.raises(Unusable, match="no recording of"):
        recordings.read("xx", recordings.HOME)


def test_the_command_is_filled_in_word_by_word():
    own = SpeechSettings(command=("pico", "--lang={voice}", "{text}"), voices={"fr": "fr-FR"})
    words = Engine(own, reactor=None).words("a; rm -rf {x}", "fr", speed=100)
    assert words == ["pico", "--lang=fr-FR", "a; rm -rf {x}"]
    with pytest.raises(ValueError, match="only"):
        SpeechSettings(command=("x", "{shell}"))


def test_every_figure_and_sign_is_recorded_in_both_languages():
    for language in ("fr", "en"):
        lexicon = built_in(language)
        found = recordings.read(language, recordings.HOME)
        said = [lexicon.numbers[n] for n in range(10)] + [lexicon.symbols[s] for s in ".,-+"]
        assert all(found.find(text) for text in said)
        assert Path(f"{found.call_lab}.wav").stat().st_size > 20_000
