"""Replies on disk: found again for the same question alone, and whole, whoever writes at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.chat.replies import Bill, ChatReply, ReplyCache, default_cache
from svlm_cli.core.errors import OutputError
from svlm_cli.evals.judge.asking import AskedJudge

ASKED = AskedJudge(
    server="http://x/v1",
    model="judge-1",
    messages=[{"role": "user", "content": "Which?"}],
    seed=None,
    temperature=0.0,
    texts=("r", "a", "b"),
    order="ab",
)
REPLY = ChatReply("A\u2028.", 100, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"server": "http://y/v1"},
        {"model": "judge-2"},
        {"messages": [{"role": "user", "content": "Which one?"}]},
        {"texts": ("r", "b", "a")},
        {"texts": ("s", "a", "b")},
        {"order": "ba"},
        {"seed": 42},
        {"temperature": None},
    ],
)
def test_another_question_is_another_key(change: dict[str, Any]) -> None:
    """Guards against an answer to something else, which nobody would notice."""
    assert ASKED.key == replace(ASKED).key
    assert replace(ASKED, **change).key != ASKED.key


def test_the_first_reply_stays(tmp_path: Path) -> None:
    """Guards two runs against counting two different answers to one question."""
    cache = ReplyCache(tmp_path)
    assert cache.get(ASKED.key) is None
    assert cache.put(ASKED.key, REPLY) == REPLY
    assert ReplyCache(tmp_path).put(ASKED.key, ChatReply("B")) == REPLY
    assert ReplyCache(tmp_path).get(ASKED.key) == REPLY
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{ASKED.key}.json"]


@pytest.mark.parametrize("broken", ["", '{"text": "A"', '{"text": 3}', '{"text": "A", "more": 1}', "[]", "{}"])
def test_a_file_that_cannot_be_read_is_no_reply(tmp_path: Path, broken: str) -> None:
    """Guards against a machine that lost power: the question is asked again, and the file replaced."""
    cache = ReplyCache(tmp_path)
    cache.put(ASKED.key, REPLY)
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    path.write_text(broken)
    assert cache.get(ASKED.key) is None
    assert cache.put(ASKED.key, ChatReply("B")) == ChatReply("B")
    assert cache.get(ASKED.key) == ChatReply("B")


def test_many_at_once_agree(tmp_path: Path) -> None:
    """Guards runs that share a folder: whoever comes second takes the first one's reply, and never half of it."""
    caches = [ReplyCache(tmp_path) for _ in range(16)]
    for number in range(20):
        asked = replace(ASKED, model=f"judge-{number}")
        with ThreadPoolExecutor(len(caches)) as pool:
            found = set(pool.map(lambda one, key=asked.key: one[1].put(key, ChatReply(str(one[0]))), enumerate(caches)))
        assert found == {ReplyCache(tmp_path).get(asked.key)}


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot be written|is not a folder"):
        ReplyCache(tmp_path / "cache").put(ASKED.key, REPLY)


def test_where_replies_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache("judge") == Path("/somewhere/svlm/judge")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_cache("judge") == Path("~/.cache/svlm/judge").expanduser()


def test_what_it_costs() -> None:
    bill = Bill(3, 4, 2_000_000, 500_000, 1.25, 10)
    assert bill.cost == 7.5
    assert bill.sentence() == "2000000 tokens read, 500000 written: 7.5000 in all."
    unknown = Bill(0, 1, 1, 0, None, 10)
    assert (unknown.cost, unknown.sentence()) == (None, "1 tokens read, 0 written.")
    assert unknown.to_json() == {"cached": 0, "requests": 1, "tokens_in": 1, "tokens_out": 0, "cost": None}
