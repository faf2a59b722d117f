"""Small videos whose sound is known: tones, or words that espeak-ng speaks."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

RATE = 16_000


def make_video(path: Path, seconds: float, *sound: str, delay_s: float = 0.0) -> Path:
    """Moving pictures of that length; `sound` is an input of ffmpeg, which begins after `delay_s`."""
    pictures = ["-f", "lavfi", "-i", f"testsrc2=size=64x64:rate=5:duration={seconds}"]
    heard = ["-itsoffset", str(delay_s), *sound] if sound else []
    kept = ["-c:v", "mpeg4", "-c:a", "aac", "-y", str(path)]
    subprocess.run(["ffmpeg", "-loglevel", "error", *pictures, *heard, *kept], check=True)
    return path


def tones(starts_s: Sequence[float], seconds: float, *, length_s: float = 0.5) -> tuple[str, ...]:
    """An input of ffmpeg: silence, and a tone from each of these moments on."""
    loud = "+".join(f"between(t,{start},{start + length_s})" for start in starts_s)
    return "-f", "lavfi", "-i", f"aevalsrc='0.5*sin(3000*t)*({loud})':s={RATE}:d={seconds}"


def speak(path: Path, text: str) -> Path:
    """A WAV of a voice that says `text`, clearly enough for pocketsphinx."""
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-g", "4", "-w", str(path), text], check=True)
    return path


def speak_over(video: Path, path: Path, parts: Sequence[str]) -> Path:
    """The video with a voice that says these parts without a stop, at 170 words a minute, a second apart."""
    pause = '<break time="1000ms"/>'
    text = f"<speak>{pause.join(parts)}</speak>"
    voice = path.with_suffix(".wav")
    subprocess.run(["espeak-ng", "-m", "-v", "en-us+f5", "-s", "150", "-g", "2", "-w", str(voice), text], check=True)
    both = ["-i", str(video), "-i", str(voice), "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", str(path)]
    subprocess.run(["ffmpeg", "-loglevel", "error", *both], check=True)
    voice.unlink()
    return path


HAS_ESPEAK = shutil.which("espeak-ng") is not None
