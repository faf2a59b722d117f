"""How an editor is asked about a passage, until its answer is of use. Knows no protocol and no words file."""

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
    """The words of a question about segments."""

    placeholders: ClassVar[tuple[str, ...]] = ("title", "category", "language", "segments")
    needed: ClassVar[tuple[str, ...]] = ("segments",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedEditor(AskedChat):
    """What is to become of segments. Answers are kept for this form of them."""

    form: str = "segments-1"


@dataclass(frozen=True, slots=True)
class EditorForm:
    """One editor and the words that it is asked in."""

    address: str
    model: str
    prompts: EditorPrompts

    @property
    def mark(self) -> str:
        """What a words file says of its editor."""
        return f"cleaned by {self.model}, prompts {self.prompts.fingerprint[:8]}"

    def asked(self, passage: Passage, temperature: float | None) -> AskedEditor:
        """A question to it."""
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
    """Why a reply is of no use; empty if it is."""
    if reply.refused:
        return "it refuses to answer"
    try:
        read_answer(reply.text, passage.segments)
    except BadAnswerError as error:
        return str(error)
    return ""


def editor_asker(server: ChatServer, form: EditorForm, cache: ReplyCache, *, patience: Patience) -> EditorAsker:
    """Asks that editor; what is of no use is asked again, and not kept."""
    return Asker(server, form.asked, cache, patience=patience, fault=fault)
