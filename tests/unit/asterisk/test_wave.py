"""Every prompt is 8 kHz, one channel, 16 bits, loud and unclipped."""

import numpy as np
import pytest

from gateway.asterisk.speech import wave
from tests.unit.asterisk.sound import samples, tone


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_pitch_stays_what_it_is_at_any_rate(rate, channels):
    heard = np.array(samples(wave.telephone(tone(1000, rate=rate, channels=channels))), float)
    spectrum = np.abs(np.fft.rfft(heard[:4000]))
    assert spectrum.argmax() * 2 == pytest.approx(1000, abs=4)


@pytest.mark.parametrize("level", [300, 8000, 32767])
def test_every_prompt_is_as_loud_and_none_is_clipped(level):
    heard = samples(wave.telephone(tone(level=level)))
    assert max(map(abs, heard)) == pytest.approx(23_170, rel=0.02)


def test_what_a_telephone_cannot_carry_is_not_folded_back_into_speech():
    loud = np.array(samples(wave.telephone(tone(500, level=8000))), float)
    both = np.frombuffer(tone(500, level=8000)[44:], "<i2") // 2 + (
        np.frombuffer(tone(7000, level=8000)[44:], "<i2") // 2
    )
    mixed = np.array(samples(wave.telephone(tone(500)[:44] + both.astype("<i2").tobytes())), float)
    folded = np.abs(np.fft.rfft(mixed[:4000]))
    assert folded[500] < 0.2 * folded[250]  # 7 kHz would be heard at 1 kHz
    assert len(loud) == len(mixed)


def test_a_length_that_a_pipe_cannot_know_is_no_fault():
    sound = bytearray(tone(seconds=0.5))
    sound[40:44] = (0x7FFFF000).to_bytes(4, "little")
    sound[4:8] = (0x7FFFF024).to_bytes(4, "little")
    assert wave.seconds(wave.telephone(bytes(sound))) == pytest.approx(0.625, abs=0.01)


@pytest.mark.parametrize(
    "sound", [b"", b"RIFF", b"no sound at all", tone(level=0), tone(seconds=0), tone(rate=4000)]
)
def test_silence_and_noise_are_no_prompt(sound):
    with pytest.raises(wave.Silent):
        wave.telephone(sound)
