"""Sounds made for tests."""

import io
import math
import struct
import wave


def tone(pitch=440.0, *, seconds=0.5, rate=22050, level=8000, channels=1):
    """A WAV file of one pitch."""
    samples = [
        int(level * math.sin(2 * math.pi * pitch * i / rate)) for i in range(int(seconds * rate))
    ]
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", s) * channels for s in samples))
    return target.getvalue()


def samples(sound):
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        raw = file.readframes(file.getnframes())
    return struct.unpack(f"<{len(raw) // 2}h", raw)
