"""What is found out about a machine, from what nvidia-smi, the system and the disk say, or do not say."""

import os
from pathlib import Path

import pytest

from svlm_cli.checkpoints import host
from svlm_cli.checkpoints.host import Gpu, available_bytes, gpus_of, look_around, room_of

MIB = 1 << 20
TWO = "0, GPU-aaaa, NVIDIA L4, 23034, 20000\n1, GPU-bbbb, NVIDIA H200, 143771, 143000\n"


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, ["NVIDIA L4", "NVIDIA H200"]),
        ("1", ["NVIDIA H200"]),
        ("1,0", ["NVIDIA H200", "NVIDIA L4"]),
        ("GPU-bb", ["NVIDIA H200"]),
        ("0,7,1", ["NVIDIA L4"]),
        ("", []),
        ("-1", []),
    ],
)
def test_hidden_gpus_do_not_count(visible: str | None, names: list[str]) -> None:
    """Guards shared machines: nvidia-smi lists all GPUs, torch sees those of CUDA_VISIBLE_DEVICES, numbered anew."""
    found = gpus_of(TWO, visible)
    assert [one.name for one in found] == names
    assert [one.index for one in found] == list(range(len(names)))


def test_memory_that_is_not_told() -> None:
    """Guards GPUs that share the machine's memory: `[N/A]` is not known, not none; other lines are no GPUs."""
    told = gpus_of("warning\n0, GPU-a, NVIDIA GB10, [N/A], [N/A]\n", None)
    assert told == (Gpu(0, "NVIDIA GB10", None, None),)
    assert gpus_of(TWO, None)[0].free_bytes == 20000 * MIB
    assert gpus_of("No devices were found\n", None) == ()


def smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nvidia-smi that is run in the place of any other."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_the_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the query itself, by a program that answers in the order of what it is asked for."""
    values = "s/index/0/;s/uuid/GPU-a/;s/name/NVIDIA H200/;s/memory.total/143771/;s/memory.free/143000/"
    smi(tmp_path, f"echo \"${{1#--query-gpu=}}\" | sed '{values}'", monkeypatch)
    monkeypatch.setattr(host, "_is_for_cpus", lambda: False)
    assert look_around().gpus == (Gpu(0, "NVIDIA H200", 143771 * MIB, 143000 * MIB),)
    monkeypatch.setattr(host, "_is_for_cpus", lambda: True)
    found = look_around()
    assert (found.gpus, "NVIDIA H200, but this torch is for CPUs only" in " ".join(found.notes)) == ((), True)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo 'NVML: driver mismatch'; exit 9", "NVML: driver mismatch"), ("exit 3", "no reason given")],
)
def test_a_driver_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """Guards machines whose driver was updated and not restarted: no GPU, and no traceback."""
    smi(tmp_path, script, monkeypatch)
    found = look_around()
    assert (found.gpus, found.notes) == ((), (f"nvidia-smi fails, so no GPU is counted: {reason}",))


def test_a_program_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a leftover of another system, which is there and does not start."""
    smi(tmp_path, "", monkeypatch)
    (tmp_path / "nvidia-smi").write_bytes(b"\x7fELF nothing")
    found = look_around()
    assert (found.gpus, "does not answer" in found.notes[0]) == ((), True)


def test_gpus_that_differ_may_be_counted_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards cuda:1, which is another GPU to CUDA than to nvidia-smi unless both count by the bus."""
    smi(tmp_path, f"printf '{TWO}'", monkeypatch)
    monkeypatch.setattr(host, "_is_for_cpus", lambda: False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in " ".join(look_around().notes)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert look_around().notes == ()


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    """Guards containers: /proc/meminfo tells of the whole machine, which the container may not take."""
    assert available_bytes(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert available_bytes(tmp_path) == 8000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("1000\n")
    assert available_bytes(tmp_path) == 8000 * 1024
    (group / "memory.max").write_text("5000\n")
    assert available_bytes(tmp_path) == 4000
    (group / "memory.current").write_text("6000\n")
    assert available_bytes(tmp_path) == 0
    (group / "memory.stat").write_text("anon 10\ninactive_file 3500\nactive_file 7\n")
    assert available_bytes(tmp_path) == 2500  # weights that were just fetched give way


def test_the_disk_of_a_cache_that_is_not_there_yet(tmp_path: Path) -> None:
    """Guards a first call: the room is that of the disk where the folder would be made."""
    cache, free, notes = room_of(tmp_path / "not" / "yet")
    assert (cache, notes) == (str(tmp_path / "not" / "yet"), ())
    assert free is not None
    assert free > 0


def test_a_cache_that_cannot_be_used_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards HF_HOME that leads to a file, to somebody else's folder, or to a disk that does not answer."""
    (tmp_path / "file").write_text("")
    assert room_of(tmp_path / "file")[1:] == (
        None,
        (f"{tmp_path / 'file'}, where models are kept, is not a folder. Set HF_HOME to a folder of your own.",),
    )
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.R_OK)  # who runs tests may be root
    assert "cannot be read" in room_of(tmp_path)[2][0]
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert "cannot be written" in room_of(tmp_path)[2][0]
    monkeypatch.undo()

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("shutil.disk_usage", fail)
    assert room_of(tmp_path)[1:] == (None, (f"How much room {tmp_path} has is not known: Input/output error.",))
