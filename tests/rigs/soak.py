"""``python -m tests.rigs.soak``: svlm watches a camera that is killed, stopped, disturbed and resized at random.

Needs Debian's RTSP server. Exits with 1 unless words come again in time, memory stays flat and files are valid at every
moment.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from svlm_cli.checkpoints.catalog import MATCH_MODEL
from svlm_cli.core.process import run
from svlm_cli.media.ffmpeg import find_ffmpeg
from tests.rigs import disturbed, flapping
from tests.rigs.camera import PACKAGES, missing
from tests.rigs.disturbed import Soak
from tests.rigs.flapping import Flapping

_JPEG = ("-q:v", "2")
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "8")  # a key frame a second
_MB = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    asked = _parser().parse_args(arguments)
    if reason := missing():
        _tell(f"There is no RTSP server here: {reason}. Run `apt install {PACKAGES}`.")
        return 2
    with TemporaryDirectory(prefix="svlm-soak-") as made:
        pictures, context = camera_pictures(Path(made), asked.seed, encoded=asked.cameras is not None)
        folder: Path = asked.keep or Path(made) / "out"
        folder.mkdir(parents=True, exist_ok=True)
        load = disturbed.Load(asked.minutes, asked.seed, pictures, ("--context", f"@{context}", "--model", asked.model))
        result: Soak | Flapping
        if asked.cameras is None:
            result = disturbed.measure(load, folder, _tell)
        else:
            result = flapping.measure(load, asked.cameras, folder, _tell)
    _show(result, asked.model, as_json=asked.json)
    return 1 if result.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.rigs.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long")
    parser.add_argument(
        "--cameras", type=int, help="this many healthy cameras, beside one that is killed and restarted"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the match and of the disturbances")
    parser.add_argument("--model", default=MATCH_MODEL)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where svlm writes meanwhile; kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser


def camera_pictures(folder: Path, seed: int, *, encoded: bool) -> tuple[Path, Path]:
    """Two minutes of a match as `RtspServer` wants them, for it to encode, or encoded already; and the context."""
    video = folder / "match.mp4"
    simulate = [sys.executable, "-m", "svlm_cli", "simulate", "--seed", str(seed), "--minutes", "2", "-o", str(video)]
    environment = {**os.environ, "SVLM_CONFIG": os.devnull}  # the same match, whatever the settings are
    run(simulate, check=True, environment=environment)
    pictures = folder / "pictures"
    pictures.mkdir()
    options, suffix = (_H264, "h264") if encoded else (_JPEG, "jpg")
    split = ["-v", "error", "-nostdin", "-i", str(video), *options, "-f", "image2", "-start_number", "0"]
    run([find_ffmpeg().path, *split, f"{pictures}/%05d.{suffix}"], check=True)
    return pictures, video.with_suffix(".context.txt")


def _show(result: Soak | Flapping, model: str, *, as_json: bool) -> None:
    if as_json:
        setting = {"model": model, "cpus": os.cpu_count()}
        report = {"bench": "soak", "setting": setting, "results": [asdict(result)], "failures": result.failures}
        sys.stdout.write(json.dumps(report) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    if isinstance(result, Flapping):
        headings = ("camera", "words", "gaps", "dropped", "longest latency s", "connected again")
        cameras = Table(*headings)
        for one in result.cameras:
            counts = (one.words, one.gaps, one.dropped, f"{one.latency_longest_s:.2f}", one.reconnects)
            cameras.add_row(one.name, *map(str, counts))
        console.print(cameras)
    cells = _soak_cells(result) if isinstance(result, Soak) else _flapping_cells(result)
    totals = Table(*cells, caption=", ".join(result.failures) or None)
    totals.add_row(*cells.values())
    console.print(totals)


def _soak_cells(result: Soak) -> dict[str, str]:
    outages = [one for one in result.disturbances if one.kind in ("kill", "stall")]
    return {
        "minutes": f"{result.minutes:.1f}",
        "disturbances": str(len(result.disturbances)),
        "outages": str(len(outages)),
        "words after s": _longest([one.words_after_s for one in outages]),
        "grown MB": _grown(result),
        "threads": str(result.last_threads),
        "copies": str(result.copies),
        "ended after s": f"{result.ended_after_s:.2f}",
    }


def _flapping_cells(result: Flapping) -> dict[str, str]:
    return {
        "minutes": f"{result.minutes:.1f}",
        "returns": str(len(result.returns)),
        "words after s": _longest([one.words_after_s for one in result.returns]),
        "grown MB": _grown(result),
        "threads": str(result.last_threads),
        "children left": str(result.children_left),
        "torn lines": str(len(result.torn)),
        "ended after s": f"{result.ended_after_s:.2f}",
    }


def _longest(waits: list[float | None]) -> str:
    longest = max((wait for wait in waits if wait is not None), default=None)
    return "-" if longest is None else f"{longest:.1f}"


def _grown(result: Soak | Flapping) -> str:
    return f"{(result.last_bytes - result.warm_bytes) / _MB:.2f}"


def _tell(line: str) -> None:
    sys.stderr.write(f"soak: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
