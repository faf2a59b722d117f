"""Which model is recommended on which machine. Machines and models are data; nothing is probed or read."""

from dataclasses import replace

import pytest

from svlm_cli.checkpoints.guide import Guide, Precision
from svlm_cli.checkpoints.host import Gpu, Host
from svlm_cli.checkpoints.recommendation import (
    Assessment,
    Candidate,
    Demand,
    Fit,
    assess,
    choose,
    ranked,
    recommended,
)
from svlm_cli.core.errors import ModelError
from tests.checkpoints.hosts import (
    BIG_BASE,
    GAME,
    GB,
    H200,
    LAPTOP,
    MODELS,
    SMALL_BASE,
    SPEAKER,
    gpu,
    host_with,
)


def on(host: Host, model: Candidate, demand: Demand | None = None) -> Assessment:
    return assess(model, host, host.roomiest(), demand or Demand())


def names(host: Host, demand: Demand | None = None) -> list[str]:
    return [one.candidate.name for one in ranked(host, MODELS, demand or Demand())]


def best(host: Host, demand: Demand | None = None) -> str | None:
    found = recommended(ranked(host, MODELS, demand or Demand()))
    return None if found is None else found.candidate.name


@pytest.mark.parametrize(
    ("host", "order"),
    [
        (host_with(H200), ["speaker", "big-base", "small-base", "game"]),
        (host_with(gpu(12)), ["small-base", "game", "speaker", "big-base"]),
        (host_with(gpu(1)), ["game", "speaker", "big-base", "small-base"]),
        (LAPTOP, ["game", "speaker", "big-base", "small-base"]),
    ],
)
def test_what_fits_comes_first_then_what_knows_footage_then_the_larger(host: Host, order: list[str]) -> None:
    """Guards against a toy that is put before a model that fits, and against a large model that does not run."""
    assert names(host) == order
    assert best(host) == order[0]


def test_reasons_name_what_is_lacking() -> None:
    """Guards against a bare "no": the sentence says how much it takes and how much there is."""
    assert (
        on(host_with(gpu(12)), SPEAKER).why == "It takes 18.0 GB of memory in bfloat16, and NVIDIA L4 has 12.0 GB free."
    )
    busy = on(host_with(gpu(12, total_gb=24)), SPEAKER)
    assert (busy.fits, busy.why) == (
        Fit.NO,
        "It takes 18.0 GB of memory in bfloat16; NVIDIA L4 has 12.0 GB free of 24.0 GB: stop what else uses it.",
    )
    assert on(LAPTOP, SPEAKER).why.startswith("It wants a GPU with 18.0 GB of free memory: ")


def test_memory_that_fits_is_no_model_for_a_cpu() -> None:
    """Guards laptops with much memory from 16 GB that say a word every few seconds."""
    assert (LAPTOP.ram_bytes or 0) > 36 * GB
    assert on(LAPTOP, SPEAKER).fits is Fit.NO
    assert on(LAPTOP, GAME).fits is Fit.YES


@pytest.mark.parametrize(("free", "fits"), [(17.99, Fit.NO), (18.0, Fit.YES), (None, Fit.UNKNOWN)])
def test_memory_to_the_byte(free: float | None, fits: Fit) -> None:
    """Guards the comparison, and memory that a driver does not tell, which is neither a yes nor a no."""
    assert on(host_with(gpu(free)), SPEAKER).fits is fits


def test_a_full_disk_keeps_what_is_here() -> None:
    """Guards against a download that the disk will end, and against a model that is here and called too large."""
    full = host_with(H200, disk_gb=10)
    refused = on(full, SPEAKER)
    assert refused.fits is Fit.NO
    assert "Its download of 16.0 GB does not fit: /cache has 10.0 GB free." in refused.why
    assert on(full, replace(SPEAKER, present=True)).fits is Fit.YES
    assert on(full, replace(SPEAKER, begun_bytes=7 * GB)).fits is Fit.YES  # 9 GB are left
    assert on(host_with(H200, disk_gb=None), SPEAKER).fits is Fit.YES
    assert best(full) == "small-base"


def test_too_slow_for_a_camera_where_that_was_measured() -> None:
    """Guards live video: what is known to fall behind on this hardware is left out; elsewhere it is only not known."""
    slow = replace(SPEAKER, guide=replace(SPEAKER.guide, speed=(replace(SPEAKER.guide.speed[0], seconds=1.25),)))
    there, elsewhere = host_with(H200), host_with(gpu(24))
    assert on(there, slow, Demand(live=True)).fits is Fit.NO
    assert "0.8 x real time on NVIDIA H200" in on(there, slow, Demand(live=True)).why
    assert on(there, slow).fits is Fit.YES
    assert on(elsewhere, slow, Demand(live=True)).fits is Fit.YES
    assert on(elsewhere, slow).here is None


def test_a_speed_counts_on_such_hardware_alone() -> None:
    """Guards against an H200's figure that is taken for this machine's, and two cores' for one core's."""
    assert on(host_with(H200), SPEAKER).here == SPEAKER.guide.speed[0]
    assert on(host_with(gpu(24)), SPEAKER).here is None
    assert on(LAPTOP, GAME).here == GAME.guide.speed[0]
    assert on(replace(LAPTOP, cores=1), GAME).here is None
    assert on(host_with(H200), GAME).here is None  # which was measured on a CPU


def test_a_rate_that_nobody_counted() -> None:
    """Guards against memory guessed too low: between two rates the higher one counts, beyond all none does."""
    host = host_with(H200)
    assert on(host, SPEAKER, Demand(fps=1)).needs[0] == (Precision.BFLOAT16, 18 * GB)
    beyond = on(host, SPEAKER, Demand(fps=4))
    assert (beyond.fits, beyond.needs, beyond.speeds) == (Fit.UNKNOWN, (), ())
    small = on(host_with(gpu(12)), SPEAKER, Demand(fps=4))
    assert (small.fits, "at 2 it is 18.0 GB" in small.why) == (Fit.NO, True)
    assert on(host_with(H200), replace(SPEAKER, guide=Guide())).fits is Fit.UNKNOWN


def test_what_is_not_known_comes_after_what_fits() -> None:
    """Guards against a gamble where something is sure to run; where nothing is, the best guess is better than none."""
    silent = host_with(gpu(None))
    assert best(silent) == "speaker"
    assert best(silent, Demand(dtype=Precision.BFLOAT16)) == "speaker"
    sure = [on(silent, SPEAKER), on(LAPTOP, GAME)]
    found = recommended(sure)
    assert found is not None
    assert found.candidate is GAME


def test_nothing_can_run() -> None:
    """Guards machines on which even the smallest does not fit."""
    tiny = host_with(ram_gb=0.01)
    assert best(tiny) is None
    with pytest.raises(ModelError, match=r"None of the models on this machine fits. game: It takes 60 MB"):
        choose(tiny, MODELS, Demand(), "auto")


@pytest.mark.parametrize(
    ("gpus", "command"),
    [
        ((H200,), "svlm caption VIDEO --model speaker"),
        ((gpu(20), gpu(40, index=1)), "svlm caption VIDEO --model speaker --device cuda:1"),
        ((gpu(40), gpu(40, index=1)), "svlm caption VIDEO --model speaker"),
    ],
)
def test_the_command_names_the_gpu_with_room(gpus: tuple[Gpu, ...], command: str) -> None:
    """Guards several GPUs: svlm takes the first one unless it is told, and that may be the busy one."""
    here = replace(SPEAKER, present=True)
    assert on(host_with(*gpus), here).command == command
    assert on(host_with(*gpus), SPEAKER).command == "svlm models pull speaker"
    assert on(host_with(*gpus), here, Demand(fps=1)).command == f"{command} --fps 1"


def test_eight_bits_where_they_alone_fit() -> None:
    """Guards the command for a model whose eight bits need less: it must ask for them."""
    less = tuple(replace(one, gb=9) if one.dtype is Precision.FP8 else one for one in SPEAKER.guide.memory)
    model = replace(SPEAKER, present=True, guide=replace(SPEAKER.guide, memory=less))
    assessed = on(host_with(gpu(12)), model)
    assert (assessed.fits, assessed.dtype) == (Fit.YES, Precision.FP8)
    assert assessed.command == "svlm caption VIDEO --model speaker --dtype fp8"
    assert on(host_with(gpu(12)), model, Demand(dtype=Precision.BFLOAT16)).fits is Fit.NO


def chosen(host: Host, *here: Candidate, device: str = "auto", demand: Demand | None = None) -> tuple[str, str | None]:
    present = {one.name for one in (*here, GAME)}
    models = [replace(one, present=one.name in present) for one in MODELS]
    choice = choose(host, models, demand or Demand(), device)
    return choice.taken.candidate.name, None if choice.better is None else choice.better.candidate.name


def test_auto_takes_the_best_that_is_here() -> None:
    """Guards `--model auto`: it takes nothing that is not here, and names the better one only where it would fit."""
    assert chosen(host_with(H200)) == ("game", "speaker")
    assert chosen(host_with(H200), BIG_BASE, SMALL_BASE) == ("big-base", "speaker")
    assert chosen(host_with(H200), SPEAKER, BIG_BASE) == ("speaker", None)
    assert chosen(host_with(gpu(12)), SPEAKER) == ("game", "small-base")
    assert chosen(host_with(gpu(12), disk_gb=1), SPEAKER) == ("game", None)
    assert chosen(LAPTOP, SPEAKER) == ("game", None)
    assert chosen(host_with(gpu(None))) == ("game", None)  # nobody is sent to fetch what may not fit
    assert chosen(host_with(gpu(None)), SPEAKER) == ("speaker", None)


def test_auto_goes_by_the_device_that_is_asked_for() -> None:
    """Guards `--device`: what fits the second GPU need not fit the first, which `auto` is."""
    two = host_with(gpu(12), gpu(40, index=1))
    assert chosen(two, SPEAKER) == ("game", "small-base")
    assert chosen(two, SPEAKER, device="cuda:1") == ("speaker", None)
    assert chosen(two, SPEAKER, device="cuda") == ("game", "small-base")
    assert chosen(two, SPEAKER, device="cpu") == ("game", None)
    assert chosen(two, SPEAKER, demand=Demand(dtype=Precision.FP8), device="cuda:1") == ("speaker", None)
    assert two.spot("cuda:7").free_bytes is None


def test_auto_without_any_model() -> None:
    """Guards an installation whose own model is gone: a sentence, and no download."""
    with pytest.raises(ModelError, match="No known model is on this machine"):
        choose(host_with(H200), [SPEAKER], Demand(), "auto")
