"""What a playlist on the web may lead to: the web alone. Here ffmpeg is held to it, by its own whitelists."""

import subprocess
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from svlm_cli.media.ffmpeg import Timing, find_ffmpeg, live_command
from svlm_cli.media.network import Login, network_address
from svlm_cli.sources.http import Client
from svlm_cli.sources.nature import Nature, look
from tests.clips import X264, make_clip
from tests.servers.web import Answer, Reply, WebServer

LIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n{}#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
KEY = '#EXT-X-KEY:METHOD=AES-128,URI="{}",IV=0x00000000000000000000000000000000\n'


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that everybody could read."""
    return make_clip(tmp_path_factory.mktemp("here") / "v.ts", frames=30, encode=X264)


def read(*urls: str, login: Login | None = None) -> list[int]:
    """How many bytes of pictures ffmpeg makes of each, all side by side."""
    program, readers = find_ffmpeg(), []
    for url in urls:
        address = network_address(url, login=login)
        command = live_command(program, address, Fraction(2), Timing.SOURCE)
        pipe = subprocess.PIPE
        reader = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        assert reader.stdin is not None
        reader.stdin.write(address.script.encode())
        reader.stdin.close()
        reader.stdin = None
        readers.append(reader)
    return [len(reader.communicate(timeout=60)[0]) for reader in readers]


def test_a_playlist_opens_nothing_here(victim: Path) -> None:
    """Segments, keys, heads, other renditions, redirects; of files, and by whatever leads to one."""
    file = f"file://{victim}"
    segments = (
        *(file, f"file:{victim}", f"crypto+file:{victim}", f"crypto:file:{victim}", f"concat:{victim}"),
        *(
            f"subfile,,start,0,end,0,,:{victim}",
            f"cache:file:{victim}",
            f"async:file:{victim}",
            f"data:video/mp2t,{victim}",
        ),
        *("pipe:0", "fd:0", "ftp://127.0.0.1/v.ts", "tcp://127.0.0.1:1/v.ts", f"unix:{victim}"),
    )
    scripts = [LIST.format("", segment) for segment in segments]
    scripts += [LIST.format(KEY.format("/key"), segment) for segment in segments[:4]]
    scripts += [LIST.format(KEY.format(file), "/v.ts"), LIST.format(f'#EXT-X-MAP:URI="{file}"\n', "/v.ts")]
    scripts += [LIST.format("", "/away"), f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{file}\n"]
    answers: dict[str, Answer] = {f"/{index}.m3u8": script.encode() for index, script in enumerate(scripts)}
    answers["/away"] = Reply({"Location": file}, status=302)
    answers["/away.m3u8"] = answers["/away"]
    answers["/v.ts"], answers["/key"] = victim.read_bytes(), bytes(16)
    answers["/good.m3u8"] = LIST.format("", "/v.ts").encode()
    with WebServer(answers) as web:
        found = read(*(web.url(path) for path in answers if path.endswith(".m3u8")))
    assert found[-1] > 0, "the one that leads to the web is read"
    assert found[:-1] == [0] * (len(answers) - 4)


def test_ffmpeg_gives_a_login_to_no_other_host(victim: Path) -> None:
    video = victim.read_bytes()
    with WebServer({"/v.ts": video}, login=("me", "secret")) as other:
        answers: dict[str, Answer] = {
            "/r.ts": Reply({"Location": other.url("/v.ts")}, status=302),
            "/l.m3u8": LIST.format("", other.url("/v.ts")).encode(),
            "/v.ts": video,
        }
        with WebServer(answers, login=("me", "secret")) as web:
            found = read(*map(web.url, ("/r.ts", "/l.m3u8", "/v.ts")), login=Login("me", "secret"))
    assert [size > 0 for size in found] == [False, False, True]
    assert {one.headers["Authorization"] for one in other.asked} == {None}


def test_low_latency_playlists_are_followed_by_whole_segments() -> None:
    """Parts and hints are tags that ffmpeg leaves out; they make a playlist neither a recording nor a stranger."""
    script = (
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.5\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n"
        '#EXTINF:2,\ns1.ts\n#EXT-X-PART:DURATION=0.5,URI="p.ts"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q.ts"\n'
    )
    with WebServer({"/a.m3u8": script.encode()}) as web:
        nature, answer = look(Client(web.url("/a.m3u8")), threading.Event())
        answer.close()
        assert nature is Nature.PLAYLIST
        assert len(web.asked) == 1
