"""Asks an editor about a passage until its answer is usable. Knows no protocol and no words file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from svlm_cli.chat.asking import AskedChat, Asker, Patience
from svlm_cli.chat.prompts import ChatPrompts
from svlm_cli.chat.replies import ChatReply, ReplyCache
from svlm_cli.chat.server import ChatRole, ChatServer
from svlm_cli.curation.decisions import BadAnswerError, read_answer
from svlm_cli.curation.passages import Passage, numbered

EDITOR: Final = ChatRole(
    "The editor's server", "An editor is asked", "--model", most_characters=1_000_000, address_option="--server"
)
OUR_PROMPTS: Final = Path(__file__).resolve().parent / "clean_prompts.toml"

_UNKNOWN: Final = "unknown"

EditorAsker = Asker[Passage]


@dataclass(frozen=True, slots=True)
class EditorPrompts(ChatPrompts):
    """The prompt for editing segments."""

    placeholders: ClassVar[tuple[str, ...]] = ("title", "category", "language", "segments")
    needed: ClassVar[tuple[str, ...]] = ("segments",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedEditor(AskedChat):
    """A request to edit segments. Its type is part of the cache key."""

    form: str = "segments-1"


@dataclass(frozen=True, slots=True)
class EditorForm:
    """An editor and its prompts."""

    address: str
    model: str
    prompts: EditorPrompts

    @property
    def mark(self) -> str:
        """The editor's name in a words file."""
        return f"cleaned by {self.model}, prompts {self.prompts.fingerprint[:8]}"

    def asked(self, passage: Passage, temperature: float | None) -> AskedEditor:
        """A request to it."""
        video = passage.video
        texts = {
            "title": video.title or _UNKNOWN,
            "category": video.category or _UNKNOWN,
            "language": video.language or _UNKNOWN,
            "segments": numbered(passage.segments),
        }
        return AskedEditor(
            server=self.address,
            model=self.model,
            messages=self.prompts.messages(texts),
            seed=None,
            temperature=temperature,
        )


def fault(passage: Passage, reply: ChatReply) -> str:
    """Why a reply is unusable; empty if it is usable."""
    if reply.refused:
        return "it refuses to answer"
    try:
        read_answer(reply.text, passage.segments)
    except BadAnswerError as error:
        return str(error)
    return ""


def editor_asker(server: ChatServer, form: EditorForm, cache: ReplyCache, *, patience: Patience) -> EditorAsker:
    """Asks that editor; unusable answers are asked again, and not cached."""
    return Asker(server, form.asked, cache, patience=patience, fault=fault)
