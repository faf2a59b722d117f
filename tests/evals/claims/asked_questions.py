"""A report of questions about simulated matches that nobody has measured: two ways, four tasks, numbers by hand."""

from typing import Any

GROUPS, TASKS = ("backward", "forward"), ("EPM", "HLD", "REC", "SSR")
MATCHES = {"seed": 2000, "matches": 20, "seconds": 1800, "fps": 2, "split": "eval"}


def asked_report() -> dict[str, Any]:
    """As `svlm eval vqa report --json` writes it. The first way is `streaming`, the other `full`."""
    return {
        "eval": "ovo-bench",
        "mean_of": "groups",
        "rows": [
            asked_row("streaming", 0.625, (0.5, 0.75), (0.25, 0.75, 0.5, 1.0)),
            asked_row("full", 0.5, (0.25, 0.75), (0.125, 0.375, 0.625, 0.875), frames=48),
        ],
        "differences": [
            {
                "from": "my-model, streaming",
                "to": "my-model, full",
                "left_out": 0,
                **_shares(-0.125, (-0.25, 0.0), (-0.125, -0.375, 0.125, -0.125)),
            }
        ],
        "chance": _shares(0.3125, (0.375, 0.25), (0.4, 0.35, 0.0, 0.5), interval=False),
        "notes": [],
    }


def asked_row(
    way: str, total: float, groups: tuple[float, ...], tasks: tuple[float, ...], *, frames: int = 0
) -> dict[str, Any]:
    """A way of looking."""
    policy = {
        "chunk_seconds": 2.0,
        "vision": {"fps": 2.0, "min_pixels": 784, "max_pixels": 25088},
        "windows": {"reset_rounds": 50},
        "sampling": {"temperature": 0.0},
    }
    return {
        "name": f"my-model, {way}",
        "model": "my-model",
        "way": way,
        "context": [],
        "questions_sha256": "f2b28390ab1e9d4e2531ae",
        "prompts_sha256": "b0c3e630ea53c3f2e08f10",
        "svlm": ["0.1.0"],
        "model_files": "61e7e4724486b23c",
        "dtype": "bfloat16",
        "answer": "letters",
        "device": ["cuda"],
        "hardware": ["NVIDIA H200"],
        "jobs": 20,
        "setting": {"way": way, "policy": policy, "frames": frames, "seed": 0},
        "matches": dict(MATCHES),
        "folder": "asked",
        "file": f"asked-{way}.jsonl",
        "questions": 5438,
        "not_asked": 0,
        "failed_videos": {},
        **_shares(total, groups, tasks),
    }


def _shares(
    total: float, groups: tuple[float, ...], tasks: tuple[float, ...], *, interval: bool = True
) -> dict[str, Any]:
    """Each from 0.01 below to 0.02 above."""

    def score(value: float) -> dict[str, Any]:
        low, high = (value - 0.01, value + 0.02) if interval else (None, None)
        return {"value": value, "low": low, "high": high, "questions": 40}

    return {
        "total": score(total),
        "groups": dict(zip(GROUPS, map(score, groups), strict=True)),
        "tasks": dict(zip(TASKS, map(score, tasks), strict=True)),
        "videos": 20,
    }
