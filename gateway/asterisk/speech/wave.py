"""Sound as Asterisk plays it: 8 kHz, one channel, 16 bits, loud enough and never clipped."""

from __future__ import annotations

import io
import wave
from array import array

from PIL import Image

RATE = 8000  # Hz: what a telephone carries (G.711)
_PEAK = 23_170  # 3 dB below full scale
_FAINTEST = 50  # a sound whose peak is below this is none
_TAIL = RATE // 8  # samples of silence at the end, so that two prompts do not run into one another
_LONGEST = 300.0  # seconds of one prompt


class Silent(Exception):
    """There is no sound in it: not a WAV file, empty, or nothing but silence."""


def telephone(sound: bytes) -> bytes:
    """A WAV file of 16 bits and 8 kHz or more as one that Asterisk plays. Raises Silent."""
    try:
        rate, samples = _samples(sound)
    except (wave.Error, EOFError, ValueError) as error:
        raise Silent(str(error)) from error
    if not samples:
        raise Silent("no samples")
    return _file(_levelled(samples, rate=rate))


def seconds(sound: bytes) -> float:
    """How long a WAV file plays."""
    with wave.open(io.BytesIO(sound)) as file:
        return float(file.getnframes() / file.getframerate())


def _samples(sound: bytes) -> tuple[int, bytes]:
    """The rate and the first channel's samples."""
    with wave.open(io.BytesIO(sound)) as file:
        channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
        if width != 2 or not 1 <= channels <= 8 or not RATE <= rate <= 192_000:
            raise wave.Error(f"{channels} channels of {8 * width} bits at {rate} Hz")
        # An engine that writes to a pipe does not know the length yet: what it says there is no promise.
        raw = file.readframes(int(rate * _LONGEST))
    raw = raw[: len(raw) // (2 * channels) * (2 * channels)]
    if channels == 1:
        return rate, raw
    return rate, memoryview(raw).cast("h")[::channels].tobytes()


def _levelled(samples: bytes, *, rate: int) -> bytes:
    """Down to 8 kHz and up to the same level for every prompt.

    Pillow's resampling is a windowed sinc in C that cuts what 8 kHz cannot carry; the library that
    did this in Python's own (audioop) is no more.
    """
    length = len(samples) // 2
    line = Image.frombytes("I;16", (length, 1), _lifted(samples)).convert("F")
    line = line.point(lambda level: level * 1.0 - 32768.0)
    line = line.resize((max(1, round(length * RATE / rate)), 1), Image.Resampling.LANCZOS)
    low, high = line.getextrema()
    peak = max(abs(float(low)), abs(float(high)))  # type: ignore[arg-type]
    if peak < _FAINTEST:
        raise Silent("nothing but silence")
    gain = _PEAK / peak
    whole = line.point(lambda level: level * gain + 0.0).convert("I")
    return array("h", memoryview(whole.tobytes()).cast("i")).tobytes() + bytes(2 * _TAIL)


def _lifted(samples: bytes) -> bytes:
    """Signed as unsigned, which is how Pillow reads 16-bit pixels: the top bit turned over."""
    lifted = bytearray(samples)
    lifted[1::2] = lifted[1::2].translate(_TURNED)
    return bytes(lifted)


_TURNED = bytes(b ^ 0x80 for b in range(256))


def _file(samples: bytes) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return target.getvalue()
