"""Some tokens of Qwen's vocabulary with their ids there, as a tokenizer that cuts texts as Qwen's does."""

from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from tests.tiny import CONTROL_TOKENS, QWEN_SPLIT

QWEN: Final = {
    **{digit: 15 + int(digit) for digit in "0123456789"},
    "system": 8948,
    "\n": 198,
    "\n\n": 271,
    "You": 2610,
    " are": 525,
    " a": 264,
    " helpful": 10950,
    " assistant": 17847,
    ".": 13,
    "previous": 19702,
    " text": 1467,
    "user": 872,
    "assistant": 77091,
    "Time": 1462,
    "=": 28,
    "-": 12,
    "s": 82,
    " ": 220,
    " ...": 2503,
    "?": 30,
    ".\n": 624,
    "They": 6865,
    " win": 3164,
    " Goal": 39947,
    " for": 369,
    " Who": 10479,
    " has": 702,
    " it": 432,
    " scored": 16548,
    "The": 785,
    " home": 2114,
    " away": 3123,
    " side": 3108,
    "sWho": 151000,  # two tokens of Qwen's: only how a text is cut matters here
}


def qwen_tokenizer(folder: Path) -> Path:
    """Writes a checkpoint's files of it. What it does not know it leaves out."""
    mapped = {piece.replace(" ", "Ġ").replace("\n", "Ċ"): token for piece, token in QWEN.items()}
    controls = dict(zip(CONTROL_TOKENS, (*range(151643, 151646), 151652, 151653, 151655, 151656), strict=True))
    tokenizer = Tokenizer(models.BPE(mapped | controls, [], ignore_merges=True))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in CONTROL_TOKENS])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "generation_config.json").write_text('{"eos_token_id": [151645, 151643]}')
    return folder
