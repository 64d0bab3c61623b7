"""Proof that a sound was really heard: recordings compared as arrays."""

from __future__ import annotations

import wave

import numpy as np

from demo.telephone.voice import RATE


def samples(path):
    """A WAV file's samples (8 kHz, mono, 16 bits)."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def likeness(heard, prompt, *, longest=2.0):
    """How surely `prompt` was heard, 0 to 1, and at which second it began.

    The normalised cross-correlation of its first `longest` seconds: what was really heard gives 0.97 and
    more through A-law, what was not at most 0.55 (measured). Say 0.9.
    """
    part = np.asarray(prompt)[: int(longest * RATE)].astype(float)
    whole = np.asarray(heard).astype(float)
    if len(whole) < len(part) or not part.any():
        return 0.0, 0.0
    size = 1 << (len(whole) + len(part)).bit_length()
    product = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    count = len(whole) - len(part) + 1
    match = np.fft.irfft(product, size)[:count]
    energy = np.concatenate(([0.0], np.cumsum(whole**2)))
    there = np.maximum(energy[len(part) :] - energy[:count], 1.0)
    score = match / np.sqrt(there * (part**2).sum())
    best = int(np.argmax(score))
    return float(score[best]), best / RATE


def when_heard(heard, prompt, *, longest=2.0, sure=0.9):
    """At which second `prompt` was surely heard to begin; None: it was not.

    Told by any of its first seconds, not by the very first alone, and by the last half of a short one: on a
    machine that stalls, Asterisk leaves a hole of some frames in what it plays, and a call's first frames may
    be gone before the caller listens.
    """
    step = max(min(RATE, len(prompt)) // 2, 1)
    for start in range(0, max(1, min(len(prompt) - step + 1, 2 * RATE)), step):
        score, at = likeness(heard, prompt[start:], longest=longest)
        if score > sure:
            return at - start / RATE
    return None
