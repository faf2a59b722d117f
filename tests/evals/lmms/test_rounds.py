"""Requests of several rounds: the task hears what was said, and says what comes next."""

from typing import Any

from svlm_cli.evals.lmms.rounds import Conversation


def test_a_task_is_told_the_round_and_what_was_said_before() -> None:
    """Guards the protocol: numbers from 1 on, all answers, and the task's own notes from round to round."""
    heard: list[Any] = []

    def doc_to_messages(doc: str, **told: Any) -> Any:
        heard.append((doc, told))
        if not told:
            return ["first"]
        round_ = told["round_idx"]
        return ([f"round {round_}"], round_ == 2, told["previous_output"], f"note {round_}")

    talk = Conversation("doc", doc_to_messages)
    assert talk.coming == ["first"]
    talk.hear("one")
    assert talk.coming == ["round 1"]
    talk.hear("two")
    assert (talk.coming, talk.said) == (None, ["one", "two"])
    assert heard == [
        ("doc", {}),
        ("doc", {"round_idx": 1, "previous_output": ["one"], "previous_round_info": None}),
        ("doc", {"round_idx": 2, "previous_output": ["one", "two"], "previous_round_info": "note 1"}),
    ]


def test_a_task_may_change_what_was_said() -> None:
    """Guards tasks that keep no more than a part of an answer, or nothing at all."""
    talk = Conversation("doc", lambda doc, **told: (["more"], False, ["kept"], None) if told else ["first"])
    talk.hear("kept, and more")
    assert (talk.coming, talk.said) == (["more"], ["kept"])
    silent = Conversation("doc", lambda doc, **told: (None, True, None, None) if told else ["first"])
    silent.hear("said")
    assert (silent.coming, silent.said) == (None, ["said"])


def test_a_task_of_one_round_ends_after_it() -> None:
    """Guards against asking such a task for ever."""
    talk = Conversation("doc", lambda doc, **told: ["always the same"])
    talk.hear("said")
    assert (talk.coming, talk.said) == (None, ["said"])
