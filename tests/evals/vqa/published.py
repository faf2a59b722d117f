"""Miniature sets of questions as the hub has them: in archives, some of which are cut into parts."""

import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from svlm_cli.evals.benchmarks.mvbench import MVBENCH_TASKS
from tests.evals.benchmarks.question_sets import (
    Row,
    longvideobench_row,
    mvbench,
    mvbench_row,
    ovo_choice,
    ovo_crr,
    ovo_rec,
    ovo_ssr,
    proactive_row,
    streaming_csv_row,
    videomme_row,
    write_csv,
    write_json,
)

SAYS = b"1\n00:00:01,000 --> 00:00:02,000\nThe cup is blue.\n"
POSE = "S001C001P001R001A040_rgb.avi"
PYARROW = {  # where the real one is not installed
    "pyarrow/__init__.py": "class ArrowException(Exception):\n    pass\n",
    "pyarrow/parquet.py": (
        "import json, types\n\n\ndef read_table(path):\n"
        "    rows = json.loads(open(path, 'rb').read()[4:])\n"
        "    return types.SimpleNamespace(to_pylist=lambda: rows)\n"
    ),
    "pyarrow-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: pyarrow\nVersion: 1\n",
    "pyarrow-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "pyarrow-1.dist-info/RECORD": "",
}


def zipped(path: Path, files: Mapping[str, bytes | str]) -> None:
    """An archive; some of them were packed by a Mac, which adds something of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def in_parts(folder: Path, name: str, suffixes: tuple[str, ...], files: Mapping[str, bytes]) -> None:
    """A tar file that was cut into pieces, wherever that was."""
    packed = tarred(files)
    size = len(packed) // len(suffixes) + 1
    for index, suffix in enumerate(suffixes):
        (folder / f"{name}{suffix}").write_bytes(packed[index * size : (index + 1) * size])


def tarred(files: Mapping[str, bytes]) -> bytes:
    """The bytes of a tar file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def ovo_bench_repositories(hub: Path, code: Path, video: bytes) -> int:
    """The videos, and the authors' code with the questions. How many questions there are."""
    rec = ovo_rec(test_info=[{"realtime": 1.0, "count": 0}, {"realtime": 3, "count": 10}])
    ssr = ovo_ssr(test_info=[{"realtime": 2, "step": "Pour the milk", "type": 1}])
    crr = ovo_crr(ask_time=1, test_info=[{"realtime": 1, "type": 0}, {"realtime": 3, "type": 1}])
    rows = [ovo_choice(1, realtime=0.03), ovo_choice(2, "EPM", realtime=3.5), rec, ssr, crr]
    hub.mkdir()
    in_parts(hub, "src_videos.tar.part", ("aa", "ab", "ac"), {f"src_videos/{row['video']}": video for row in rows[1:]})
    (hub / "chunked_videos.tar.partaa").write_bytes(b"not asked for")
    write_json(code / "data/ovo_bench_new.json", rows)
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "Questions")):
        who = ("-c", "user.name=They", "-c", "user.email=they@example.org")
        subprocess.run(["git", "-C", code, *who, *arguments], check=True)
    return 7


def streaming_bench_repository(hub: Path, video: bytes) -> int:
    """CSV files, and an archive for each fifty samples or task. How many questions there are."""
    real, sqa, pro = "Real-Time Visual Understanding", "Sequential Question Answering", "Proactive Output"
    at = "00:00:03"
    questions = {
        "Real_Time_Visual_Understanding": [streaming_csv_row(f"{real}_sample_{one}_1", at) for one in (1, 51)],
        "Omni_Source_Understanding": [streaming_csv_row("o_sample_1_1", at, task_type="Emotion Recognition")],
        "Contextual_Understanding": [streaming_csv_row("c_sample_1_1", at, task_type="Misleading Context Recognition")],
        "Sequential_Question_Answering": [
            streaming_csv_row(f"{sqa}_sample_1_{one}", at, task_type=sqa) for one in (1, 2)
        ],
        "Proactive_Output": [
            {"question_id": f"{pro}_sample_1_1"}
            | proactive_row(time_stamp="0:00:00", ground_truth_time_stamp="00:00:01"),
        ],
    }
    for name, rows in questions.items():
        write_csv(hub / f"StreamingBench/{name}.csv", rows)
    zipped(hub / f"{real}_1-50.zip", {"sample_1/video.mp4": video, "__MACOSX/._sample_1": b"\0"})
    zipped(hub / f"{real}_51-100.zip", {"sample_51/video.mp4": video})
    zipped(hub / f"{sqa}_1-25.zip", {"sample_1/video.mp4": video})
    zipped(hub / f"{pro}_1-25.zip", {"sample_1/video.mp4": video})
    for task in ("Emotion Recognition", "Misleading Context Understanding"):
        zipped(hub / f"{task}.zip", {f"{task}/sample_1/video.mp4": video})
    return sum(map(len, questions.values()))


def longvideobench_repository(hub: Path, video: bytes) -> int:
    """The validation set. How many questions there are."""
    rows = [longvideobench_row(duration=4.0, starting_timestamp_for_subtitles=0), longvideobench_row(duration=4.0)]
    write_json(hub / "lvb_val.json", rows)
    in_parts(hub, "videos.tar.part.", ("aa", "ab"), {f"videos/{rows[0]['video_path']}": video})
    said = json.dumps([{"line": "The cup is blue.", "start": "00:00:01.000", "end": "00:00:02.000"}]).encode()
    (hub / "subtitles.tar").write_bytes(tarred({f"subtitles/{rows[0]['subtitle_path']}": said}))
    return len(rows)


def mvbench_repository(hub: Path, ntu: Path, video: bytes, picture: bytes) -> int:
    """Twenty files, archives of sources, and a list of what others have. How many questions there are."""
    late = mvbench_row(video="LATER.mp4", start=1.0, end=3.0)
    tasks: dict[str, list[Row]] = {
        "action_sequence": [mvbench_row(), late],
        "action_antonym": [mvbench_row(video="1.webm")],
        "fine_grained_pose": [mvbench_row(video=POSE)],
        "episodic_reasoning": [mvbench_row(video="friends_1", start=0.0, end=2.0)],
    }
    mvbench(hub, **tasks)
    folders = ("FunQA_test/test", "Moments_in_Time_Raw/videos", "clevrer/video_validation", "perception/videos")
    for folder in (*folders, "scene_qa/video", "sta/sta_video", "star/Charades_v1_480", "vlnqa"):
        zipped(hub / f"video/{folder.partition('/')[0]}.zip", {f"{folder}/ZS9XR.mp4": video})
    zipped(hub / "video/ssv2_video.zip", {"ssv2_video/1.webm": video})
    zipped(hub / "video/data0613.zip", {"data0613/star/Charades_v1_480/LATER.mp4": video})
    pictures = {f"tvqa/frames_fps3_hq/friends_1/{index:05}.jpg": picture for index in range(1, 7)}
    zipped(hub / "video/tvqa.zip", pictures)
    (hub / "video/MVBench_videos_ntu.txt").write_text(f"{POSE}\n")
    ntu.mkdir()
    (ntu / POSE).write_bytes(video)
    return len(MVBENCH_TASKS) + 1


def videomme_repository(hub: Path, wheels: Path, video: bytes) -> int:
    """A Parquet file, and what reads it where nothing else does. How many questions there are."""
    rows = [videomme_row(), videomme_row(question_id="001-2")]
    (hub / "videomme").mkdir(parents=True)
    path = hub / "videomme/test-00000-of-00001.parquet"
    if find_spec("pyarrow") is None:
        path.write_bytes(b"PAR1" + json.dumps(rows).encode())
        zipped(wheels / "pyarrow-1-py3-none-any.whl", PYARROW)
    else:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    zipped(hub / "videos_chunked_01.zip", {f"data/{rows[0]['videoID']}.mp4": video})
    zipped(hub / "subtitle.zip", {f"subtitle/{rows[0]['videoID']}.srt": SAYS})
    return len(rows)
