"""Single checks of the doctor, on machines that lack something."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch

from svlm_cli.compute import device
from svlm_cli.doctor import models, software, surroundings
from svlm_cli.doctor.findings import CheckState
from svlm_cli.media.network import SCHEMES


def test_an_ffmpeg_that_lacks_what_people_have(tmp_path: Path) -> None:
    """Guards the advice for slim builds: what this one cannot read is named before a video fails."""
    told = {"-decoders": " V....D hevc HEVC", "-demuxers": " D  hls  HLS", "-protocols": "  udp", "-filters": ""}
    cases = "\n".join(f'*{option}*) echo "{text}" ;;' for option, text in told.items())
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\nesac\n')
    program.chmod(0o755)
    found = software._codecs(str(program))
    lacks = [need for need in dict.fromkeys(one.needs for one in SCHEMES.values()) if need != "udp"]
    assert found.state == "warning"
    assert found.detail == (
        f"ffmpeg reads hevc, hls, udp; it lacks h264, vp9, av1, mpeg4, mjpeg, {', '.join(lacks)}, libass (--burn-in)."
    )
    assert "apt install ffmpeg" in found.advice


@pytest.mark.parametrize(("cuda", "advice"), [(None, "This torch is for CPUs only"), ("13.0", "update the driver")])
def test_a_gpu_that_torch_cannot_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: str | None, advice: str
) -> None:
    """Guards the commonest disappointment: a GPU is there, and everything runs on the CPU."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 570.86.15\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = software._no_device(cuda, "2 threads")
    assert (found.state, "(driver 570.86.15) that torch cannot use" in found.detail) == ("warning", True)
    assert advice in found.advice
    monkeypatch.setenv("PATH", "")
    assert software._no_device(cuda, "2 threads").state == "optional"


def test_variables_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards passwords in reports that people post, and slips in names that nothing else would tell."""
    monkeypatch.setenv("SVLM_PASSWORD", "geheim")
    monkeypatch.setenv("HF_TOKEN", "hf_geheim")
    monkeypatch.setenv("HF_ENDPOINT", "https://me:geheim@hub.example")
    monkeypatch.setenv("SVLM_MODLE", "x")
    monkeypatch.setenv("SVLM_SEED", "7")
    secrets = {"SVLM_PASSWORD": True, "HF_TOKEN": True}
    known = secrets | dict.fromkeys(("HF_ENDPOINT", "SVLM_SEED", "SVLM_MODEL", "SVLM_CONFIG"), False)
    environment_, slip = surroundings.environment(known)
    assert {"SVLM_PASSWORD=(hidden)", "HF_TOKEN=(hidden)", "SVLM_SEED=7"} <= set(environment_.detail.split(", "))
    assert "geheim" not in environment_.detail
    assert (slip.state, slip.advice) == ("warning", "Did you mean SVLM_MODEL?")


class Silent(BaseHTTPRequestHandler):
    """Answers, and says nothing to the terminal."""

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_the_hub_is_asked_unless_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a network that is used unasked, and against a report that waits for one."""
    from huggingface_hub import constants

    assert surroundings.hub(offline=False).detail == "Not asked: svlm is offline."  # all tests are
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert surroundings.hub(offline=True).detail == "Not asked: svlm is offline."
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    refused = surroundings.hub(offline=False)
    assert (refused.state, "Connection refused" in refused.detail) == ("optional", True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        assert surroundings.hub(offline=False).state == "ok"
        monkeypatch.setattr(constants, "ENDPOINT", f"http://me:secret@127.0.0.1:{server.server_port}")
        found = surroundings.hub(offline=False).presentable()  # a login is no part of the host
        assert (found.state, found.detail) == ("ok", f"http://...@127.0.0.1:{server.server_port} answers")
        server.shutdown()
    monkeypatch.setenv("http_proxy", "http://me:se/cret@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid:99x")
    assert "is not a URL" in surroundings.hub(offline=False).detail


def test_a_model_without_room_says_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards advice that does not help: in eight bits a model is smaller, but loading it takes no less."""
    monkeypatch.setattr(device, "free_bytes", lambda _: 1 << 20)
    for dtype, help_ in ((torch.float32, "--dtype bfloat16 takes half"), (torch.bfloat16, "A lower --fps")):
        monkeypatch.setattr(device, "resolve_dtype", lambda *_, dtype=dtype: dtype)
        (found,) = (one for one in models.models() if one.name == "svlm-mini")
        assert found.state is CheckState.WARNING
        assert "where 0.0 GiB are free" in found.detail
        assert found.advice.startswith(help_)
