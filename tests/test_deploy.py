"""docs/deploy/: manifests and units fit this project, and what reads them understands them as far as it is here."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_docs import svlm_fault

FOLDER = ROOT / "docs" / "deploy"
UNITS = sorted(FOLDER.glob("*.service"))
PORT = "6379"
_WORD = re.compile(r"(?:^|[;&] *|/)(ray|svlm) ")


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def _unit(path: Path) -> dict[str, str]:
    """The settings of a unit; each stands there once."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def _calls() -> dict[str, list[str]]:
    """Every call of Ray and svlm, by the file that it stands in."""
    found = {path.name: [_unit(path)["ExecStart"]] for path in UNITS}
    found["kuberay-cameras.yaml"] = [_read("kuberay-cameras.yaml")["spec"]["entrypoint"]]
    up = _read("ray-up.yaml")
    found["ray-up.yaml"] = [*up["head_start_ray_commands"], *up["worker_start_ray_commands"]]
    return found


def _arguments(program: str) -> list[tuple[str, list[str]]]:
    lines = [(name, line) for name, lines in _calls().items() for line in lines]
    found = [(name, match[1], line[match.end() :]) for name, line in lines if (match := _WORD.search(line))]
    return [(name, shlex.split(rest)) for name, one, rest in found if one == program]


def test_calls_of_svlm_are_understood() -> None:
    """Guards services that end at once with a usage error after an option was renamed."""
    calls = _arguments("svlm")
    assert {name for name, _ in calls} == {"kuberay-cameras.yaml", "svlm-cameras.service"}
    assert [(name, fault) for name, words in calls if (fault := svlm_fault(words))] == []
    for _, words in calls:
        assert words.count("--name") == sum(word.startswith("rtsp://") for word in words)
        assert words[words.index("--fleet") + 1] in {"auto", f"10.0.0.1:{PORT}"}


def test_ray_knows_the_options() -> None:
    """Guards against options that a newer Ray has dropped. `ray start` is asked, and starts nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "ray.scripts.scripts", "start", "--help"], capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"--[a-z-]+", done.stdout))
    calls = _arguments("ray")
    asked = {word.partition("=")[0] for _, words in calls for word in words if word.startswith("--")}
    params = [
        _read("kuberay-cluster.yaml")["spec"]["headGroupSpec"],
        *_read("kuberay-cluster.yaml")["spec"]["workerGroupSpecs"],
    ]
    asked |= {f"--{key}" for one in params for key in one["rayStartParams"]}
    assert {"--head", "--block", "--num-gpus", "--object-store-memory"} <= asked
    assert asked <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    """Guards against settings that systemd ignores with a warning nobody reads."""
    programs = Path(sys.executable).parent
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/svlm/bin/", f"{programs}/")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert unit.name not in done.stderr


def test_the_schema_of_ray_up_is_kept() -> None:
    """Guards against keys that `ray up` refuses."""
    jsonschema = pytest.importorskip("jsonschema")
    ray = pytest.importorskip("ray")
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(_read("ray-up.yaml"), schema)


def test_everybody_has_the_token() -> None:
    """Guards ports that let strangers run code: no part of a cluster may be started without it."""
    for path in UNITS:
        unit = _unit(path)
        assert "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=%d/ray-token" in unit["Environment"], path.name
        assert unit["LoadCredential"].startswith("ray-token:"), path.name
    up = _read("ray-up.yaml")
    starts = [line for line in _calls()["ray-up.yaml"] if " start " in line]
    assert [line.startswith("RAY_AUTH_MODE=token ") for line in starts] == [True, True]
    assert up["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}  # where Ray looks for it
    cluster, call = _read("kuberay-cluster.yaml"), _read("kuberay-cameras.yaml")
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    (submitter,) = call["spec"]["submitterPodTemplate"]["spec"]["containers"]
    named = {one["name"]: one for one in submitter["env"]}
    assert named["RAY_AUTH_MODE"]["value"] == "token"
    assert named["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "svlm", "key": "auth_token"}


def test_parts_find_each_other() -> None:
    """Guards names and ports that stand in several files."""
    cluster, call = _read("kuberay-cluster.yaml"), _read("kuberay-cameras.yaml")
    assert cluster["apiVersion"] == call["apiVersion"] == "ray.io/v1"
    assert (cluster["kind"], call["kind"]) == ("RayCluster", "RayJob")
    assert call["spec"]["clusterSelector"] == {"ray.io/cluster": cluster["metadata"]["name"]}
    head, worker = (_unit(FOLDER / f"svlm-ray-{name}.service")["ExecStart"] for name in ("head", "worker"))
    assert f"--port={PORT} " in head
    assert f"--address=10.0.0.1:{PORT} " in worker
    ports = [re.findall(r"--(\w+-\w+-port)=(\d+)", line) for line in (head, worker)]
    assert ports[0] == ports[1] != []
    assert f":{PORT}" in _read("ray-up.yaml")["worker_start_ray_commands"][1]


def test_pods_are_alike() -> None:
    """Guards workers of another version than the head's, GPUs that nobody asks for, and folders that are not there."""
    spec = _read("kuberay-cluster.yaml")["spec"]
    (group,) = spec["workerGroupSpecs"]
    pods = [one["template"]["spec"] for one in (spec["headGroupSpec"], group)]
    containers = [pod["containers"][0] for pod in pods]
    assert containers[0]["image"] == containers[1]["image"]
    assert "nvidia.com/gpu" not in containers[0]["resources"]["limits"]
    assert int(containers[1]["resources"]["limits"]["nvidia.com/gpu"]) > 0
    for pod, container in zip(pods, containers, strict=True):
        assert container["resources"]["limits"] == container["resources"]["requests"]
        assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_versions_and_extras_are_those_of_the_project() -> None:
    """Guards images that cannot be built, and a Ray in them that svlm does not take."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (ray,) = (one for one in project["optional-dependencies"]["fleet"] if one.startswith("ray"))
    dockerfile = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    assert f"'ray[default]{ray.removeprefix('ray')}'" in dockerfile
    assert "'/src[fleet]'" in dockerfile
    assert "svlm/bin/pip install --quiet 'svlm-cli[fleet]'" in _read("ray-up.yaml")["setup_commands"]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert f"ray=={_read('kuberay-cluster.yaml')['spec']['rayVersion']}\n" in pinned
    assert re.search(r"^FROM python:(\S+)-slim$", dockerfile, re.MULTILINE)


def test_costs_are_computed() -> None:
    """Guards a table of products against typing errors, and streams that were not measured."""
    measured = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d+) \| (.+?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    assert len(rows) == 6
    for streams, kind, share, hour, month in rows:
        assert f"| {streams} | {kind} |" in measured
        cost = 1 / (int(streams) * float(share))
        assert (hour, month) == (f"{cost:.4f}", f"{730 * cost:.2f}")
