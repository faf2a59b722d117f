"""A server over the wire: what each answer of its server means, and that the key is in nothing that is said."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from svlm_cli.chat.asking import Patience
from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.chat.server import (
    AskAgainError,
    ChatRole,
    OpenAIServer,
    TemperatureRefusedError,
    require_server,
    retry_after_s,
)
from svlm_cli.core.errors import ModelError, SvlmError, UsageError
from svlm_cli.evals.judge.asking import JUDGE, JudgeAsker, JudgeForm
from svlm_cli.evals.judge.questions import JudgeQuestion, PairOrder
from tests.evals.judge.judging import PAIR, PROMPTS
from tests.servers.chat import Trouble
from tests.servers.judge import JudgeOnLoopback, serve_judge, truthful

KEY = "sesame-open-1234"
MODEL = ChatRole("The model's server", "A model is asked", "--model", most_characters=100)
MESSAGES = PROMPTS.messages(JudgeQuestion(PAIR, PairOrder.AB).texts)


@pytest.fixture
def judge() -> Iterator[JudgeOnLoopback]:
    with serve_judge(truthful) as found:
        yield found


def client(judge: JudgeOnLoopback, *, timeout_s: float = 30) -> OpenAIServer:
    return OpenAIServer(JUDGE, "judge-1", judge.base_url, KEY, timeout_s=timeout_s)


@pytest.mark.extra
def test_a_question_as_it_is_sent(judge: JudgeOnLoopback) -> None:
    """Guards the protocol: temperature and seed where they are given, and not where they are not."""
    server = client(judge)
    assert server.ask(MESSAGES, seed=42, temperature=0.0) == ChatReply("A", 100, 1)
    assert server.ask(MESSAGES, seed=None, temperature=None) == ChatReply("A", 100, 1)
    first, second = judge.requests
    assert first == {"model": "judge-1", "messages": MESSAGES, "seed": 42, "temperature": 0.0}
    assert second == {"model": "judge-1", "messages": MESSAGES}
    assert judge.keys == {f"Bearer {KEY}"}


@pytest.mark.extra
def test_an_answer_of_a_form(judge: JudgeOnLoopback) -> None:
    """Guards structured outputs: the schema goes along as the protocol has it, and sentences name the right option."""
    role, schema = replace(JUDGE, address_option="--server"), {"type": "object"}
    server = OpenAIServer(role, "judge-1", judge.base_url, KEY, timeout_s=30, schema=schema)
    server.ask(MESSAGES, seed=None, temperature=None)
    form = {"name": "answer", "strict": True, "schema": schema}
    assert judge.requests[0]["response_format"] == {"type": "json_schema", "json_schema": form}
    judge.troubles.append(Trouble(404))
    with pytest.raises(ModelError, match="Correct --judge or --server"):
        server.ask(MESSAGES, seed=None, temperature=None)


@pytest.mark.extra
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(429), "status 429"),
        (Trouble(408), "status 408"),
        (Trouble(500), "status 500"),
        (Trouble(503), "status 503"),
        (Trouble(cut=True), "the connection to it fails|cut off"),
        (Trouble(finish="length"), "cut off"),
        (Trouble(body=b'{"choices": []}'), "not a chat completion"),
        (Trouble(body=b'{"id": 3'), "not a chat completion"),
        (Trouble(body=b"[]"), "not a chat completion"),
    ],
)
def test_what_is_worth_another_try(judge: JudgeOnLoopback, trouble: Trouble, said: str) -> None:
    """Guards against the package's own tries, which would not be counted: there is one request."""
    judge.troubles.append(trouble)
    with pytest.raises(AskAgainError, match=said):
        client(judge).ask(MESSAGES, seed=None, temperature=0.0)
    assert len(judge.requests) == 1


@pytest.mark.extra
def test_a_slow_judge_is_left(judge: JudgeOnLoopback) -> None:
    judge.delay_s = 2
    with pytest.raises(AskAgainError, match="takes too long"):
        client(judge, timeout_s=0.2).ask(MESSAGES, seed=None, temperature=0.0)


@pytest.mark.extra
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(400, error={"message": f"The context of {KEY} is too long."}), "refuses the question (status 400)"),
        (Trouble(401, error={"message": f"Incorrect API key provided: {KEY}."}), "does not accept the key"),
        (Trouble(403, error={"message": f"{KEY} may not."}), "refuses the question (status 403): ... may not."),
        (Trouble(404, error={"message": "No such model."}), "has no model judge-1"),
        (Trouble(429, error={"message": "Pay.", "code": "insufficient_quota"}), "your quota is used up"),
        (Trouble(400, error={"message": f"sk-abc***def {KEY}\x1b[31m\n"}), "status 400"),
    ],
)
def test_what_is_final(judge: JudgeOnLoopback, trouble: Trouble, said: str) -> None:
    """Guards the key, which servers repeat: it is in no sentence and no chain of errors."""
    judge.troubles.append(trouble)
    with pytest.raises(ModelError) as caught:
        client(judge).ask(MESSAGES, seed=None, temperature=0.0)
    assert said in str(caught.value)
    assert len(judge.requests) == 1
    assert KEY not in str(caught.value)
    assert "sk-abc" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


@pytest.mark.extra
def test_a_judge_that_takes_no_temperature(judge: JudgeOnLoopback) -> None:
    judge.takes_temperature = False
    with pytest.raises(TemperatureRefusedError):
        client(judge).ask(MESSAGES, seed=None, temperature=0.0)
    assert client(judge).ask(MESSAGES, seed=None, temperature=None).text == "A"


@pytest.mark.extra
def test_a_server_that_repeats_the_key(tmp_path: Path) -> None:
    """Guards the cache and the votes, which people hand on."""
    with serve_judge(lambda first, second, reference: f"A {KEY}") as judge:
        assert client(judge).ask(MESSAGES, seed=None, temperature=None).text == "A ..."


@pytest.mark.extra
@pytest.mark.parametrize("key", ["x", "EMPTY"])
def test_a_key_for_a_server_that_takes_any(key: str) -> None:
    """Guards answers against a key that is a word of them: it is no secret."""
    answer = '{"text": "EMPTY"}'
    with serve_judge(lambda first, second, reference: answer) as judge:
        server = OpenAIServer(JUDGE, "judge-1", judge.base_url, key, timeout_s=30)
        assert server.ask(MESSAGES, seed=None, temperature=None).text == answer


@pytest.mark.extra
def test_a_server_is_given_the_time_it_asks_for(judge: JudgeOnLoopback, tmp_path: Path) -> None:
    """Guards Retry-After over the wire."""
    judge.troubles.append(Trouble(429, headers={"Retry-After": "1"}, times=1))
    patience = Patience(tries=2, first_wait_s=0.001, longest_wait_s=0.001)
    asked = JudgeForm(judge.base_url, "judge-1", PROMPTS).asked
    one = JudgeAsker(client(judge), asked, ReplyCache(tmp_path), patience=patience)
    assert one.ask(JudgeQuestion(PAIR, PairOrder.AB)).reply.text == "A"
    first, second = judge.times_s
    assert second - first >= 1


@pytest.mark.extra
def test_nobody_is_there(judge: JudgeOnLoopback) -> None:
    server = OpenAIServer(JUDGE, "judge-1", "http://127.0.0.1:9/v1", KEY, timeout_s=5)
    with pytest.raises(AskAgainError, match="the connection to it fails"):
        server.ask(MESSAGES, seed=None, temperature=0.0)


@pytest.mark.extra
def test_a_key_that_cannot_be_sent() -> None:
    with pytest.raises(UsageError, match="contains characters that no key can contain") as caught:
        OpenAIServer(JUDGE, "judge-1", "http://127.0.0.1:9/v1", "sesam\N{LATIN SMALL LETTER E WITH ACUTE}", timeout_s=5)
    assert "sesam" not in str(caught.value)


@pytest.mark.extra
def test_half_a_character_is_no_trouble(judge: JudgeOnLoopback, tmp_path: Path) -> None:
    """Guards files of votes and answers, which are UTF-8."""
    judge.decide = lambda first, second, reference: "A\ud800"
    assert client(judge).ask(MESSAGES, seed=None, temperature=None).text == "A?"


@pytest.mark.extra
def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        OpenAIServer(JUDGE, "judge-1", "http://127.0.0.1:9/v1", " ", timeout_s=5)


def test_without_the_package_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svlm_cli.chat.server.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"openai, which is missing\. Install svlm-cli\[eval\]"):
        OpenAIServer(JUDGE, "judge-1", "http://127.0.0.1:9/v1", KEY, timeout_s=5)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host/v1",
        "ftp://host/v1",
        "https://",
        "https://user:sesame@host/v1",
        "https://host/v1?key=sesame",
        "http://host:sesame/v1",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    """Guards logins, which would be in the votes."""
    with pytest.raises(SvlmError) as caught:
        require_server(address)
    assert "sesame@" not in str(caught.value)
    assert "key=sesame" not in str(caught.value)
    require_server("https://host.example:8000/v1")


def test_how_long_a_server_wants_to_be_left() -> None:
    then = datetime.now(UTC) + timedelta(seconds=90)
    assert retry_after_s({"retry-after": "7"}) == 7
    assert retry_after_s({"retry-after": "1.5"}) == 1.5
    assert 85 < (retry_after_s({"retry-after": format_datetime(then, usegmt=True)}) or 0) <= 90
    assert retry_after_s({"retry-after": format_datetime(then - timedelta(days=1), usegmt=True)}) == 0
    for nothing in ({}, {"retry-after": ""}, {"retry-after": "soon"}, {"retry-after": "-3"}, {"retry-after": "nan"}):
        assert retry_after_s(nothing) is None


@pytest.mark.extra
def test_pictures_arrive_as_they_were_sent(judge: JudgeOnLoopback) -> None:
    """Guards the parts of a message against a package that knows better, in its oldest version as well."""
    judge.answer = lambda messages: "A shot."
    url = f"data:image/jpeg;base64,{base64.b64encode(bytes(range(256))).decode()}"
    parts = [{"type": "text", "text": "What is seen?"}, *[{"type": "image_url", "image_url": {"url": url}}] * 60]
    messages: list[Message] = [{"role": "system", "content": "Speak."}, {"role": "user", "content": parts}]
    server = OpenAIServer(MODEL, "model-1", judge.base_url, KEY, timeout_s=30)
    assert server.ask(messages, seed=None, temperature=0.7) == ChatReply("A shot.", 100, 1)
    assert judge.requests == [{"model": "model-1", "messages": messages, "temperature": 0.7}]


@pytest.mark.extra
@pytest.mark.parametrize("trouble", [Trouble(finish="content_filter"), Trouble(refusal="I cannot help with that.")])
def test_a_refusal_is_told_apart(judge: JudgeOnLoopback, trouble: Trouble) -> None:
    """Guards the baseline: what a filter left of an answer is no commentary."""
    assert not client(judge).ask(MESSAGES, seed=None, temperature=0.0).refused
    judge.troubles.append(trouble)
    assert client(judge).ask(MESSAGES, seed=None, temperature=0.0).refused


@pytest.mark.extra
def test_what_was_cut_off_was_paid_for(judge: JudgeOnLoopback) -> None:
    judge.troubles.append(Trouble(finish="length"))
    with pytest.raises(AskAgainError) as caught:
        client(judge).ask(MESSAGES, seed=None, temperature=0.0)
    assert caught.value.tokens == (100, 1)


@pytest.mark.extra
def test_a_sentence_names_who_was_asked(judge: JudgeOnLoopback) -> None:
    """Guards against advice about an option that the command does not have."""
    judge.troubles.append(Trouble(404))
    server = OpenAIServer(MODEL, "model-1", judge.base_url, KEY, timeout_s=30)
    with pytest.raises(ModelError, match=r"The model's server has no model model-1.* Correct --model or --base-url"):
        server.ask(MESSAGES, seed=None, temperature=0.7)
