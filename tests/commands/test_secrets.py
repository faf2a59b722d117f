"""What lets somebody in is in nothing that svlm says, wherever an address was typed: no message, traceback or `ps`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands.app import main
from tests.conftest import environment

# With what each of them must not show.
ADDRESSES = {
    "rtsp://viewer:sesame@host.example/live": ("viewer", "sesame"),
    "rtsp://viewer:se/s#a?m@e@host/live": ("viewer", "se/s", "'se'", "s#a", "a?m", "m@e"),
    "rtsp://viewer:12/sesame@host/live": ("viewer", "12/", "sesame"),
    f"rtsp://viewer:{'sesame' * 30}@host/live": ("viewer", "sesame"),
    "viewer:sesame@host/live": ("viewer", "sesame"),
    "http://host/live?token=sesame": ("=sesame", "sesame"),
}
EVERYWHERE = (
    "@",
    "caption @ -o words.srt --segment 1h",
    "caption clip.mp4 @",
    "caption gone.mp4 @",
    *(
        f"caption clip.mp4 {option} @"
        for option in (
            "-o -f",
            "--output-dir",
            "--mux",
            "--fps",
            "--jobs",
            "--start",
            "--format",
            "--mode",
            "--live",
            "--model",
            "--encoding",
            "--language x --mux a.mkv -o",
            "--input-option",
            "--credentials",
        )
    ),
    "caption clip.mp4 --context=@@",
    "caption clip.mp4 --@",
    "caption clip.mp4 -@",
    "caption --batch-file @",
    "caption rtsp://10.0.0.1/a --name a --name @",
    "caption rtsp://10.0.0.1/a --segment @",
    "caption rtsp://10.0.0.1/a --rtsp-transport @",
    "models show @",
    "models pull @",
    "models list @",
    "train @",
    "eval match --predictions @",
    "eval claims @ --row vision-4",
    "bench @",
    "bench latency --size @",
    "simulate -o @",
    "simulate --minutes @",
    "man @",
    "--@",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(b"\0" * 100)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of svlm, and all that it said, the traceback too."""
    code = main(["--debug", *arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.mark.parametrize("line", EVERYWHERE)
def test_it_is_not_said(line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the option that nobody thought of: people paste an address into the wrong place. No file is called so."""
    for address, secrets in ADDRESSES.items():
        words = [
            word.replace("@@", f"@{address}") if "@@" in word else word.replace("@", address) for word in line.split()
        ]
        code, said = told(capsys, *words)
        assert code in (ExitCode.USAGE, ExitCode.INPUT, ExitCode.MODEL, ExitCode.FAILED), said
        assert not [secret for secret in secrets if secret in said], said
    assert [path.name for path in folder.rglob("*")] == ["clip.mp4"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_not_said_of_lists_settings_and_variables(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.toml").write_text(f'[caption]\nlanguage = "{address}"\ncredentials = "{address}"\n')
    (folder / "broken.toml").write_text(f'[caption]\nfps = "{address}"\n')
    (folder / "list.txt").write_text(f"{address}\nclip.mp4\n")
    monkeypatch.setenv("SVLM_CONFIG", str(folder / "config.toml"))
    monkeypatch.setenv("SVLM_MODEL", address)
    said = [told(capsys, "config"), told(capsys, "config", "--json"), told(capsys, "caption", "-a", "list.txt")]
    monkeypatch.setenv("SVLM_CONFIG", str(folder / "broken.toml"))
    said += [told(capsys, "config"), told(capsys, "caption", "clip.mp4")]
    monkeypatch.setenv("SVLM_CONFIG", address)
    said += [told(capsys, "config", "--path"), told(capsys, "caption", "clip.mp4")]
    assert not [secret for secret in ADDRESSES[address] for _, text in said if secret in text], said
    assert "host" in said[0][1]


def test_a_hub_whose_address_libraries_cannot_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against their errors, which come as they are imported, and quote what they take for a port."""
    monkeypatch.setenv("HF_ENDPOINT", "https://viewer:se/same@hub.example")
    code, said = told(capsys, "models", "list")
    assert (code, "svlm: HF_ENDPOINT is not a URL." in said) == (ExitCode.USAGE, True)
    assert not [secret for secret in ("viewer", "same", "'se'") if secret in said]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only where a process may write to itself")
def test_it_is_not_among_the_arguments(folder: Path) -> None:
    """Guards against `ps`: raw passwords, queries, after an option or as a part of one; before anything heavy loads."""
    script = (
        "import sys, svlm_cli.__main__ as entry\n"
        "heavy = sorted({'typer', 'dataclasses', 'pathlib', 'inspect'} & {*sys.modules})\n"
        "entry.hide_logins()\n"
        "print(heavy, sys.argv[1:], file=sys.stderr)\n"
        "sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read())"
    )
    typed = [*ADDRESSES, "--name", "front", *(f"--report={address}" for address in ADDRESSES), "rtsp://v:pé@host/é"]
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, *typed], env=environment(), capture_output=True, check=True
    )
    seen = done.stdout.decode()
    assert done.stderr.decode() == f"[] {typed!r}\n"
    assert not [secret for secrets in ADDRESSES.values() for secret in secrets if secret in seen]
    assert "rtsp://.............@host.example/live\0" in seen
    assert seen.endswith("--report=http://host/live?............\0rtsp://.....@host/é\0")
    assert len(done.stdout) == len(os.fsencode("\0".join([sys.executable, "-S", "-c", script, *typed]))) + 1
