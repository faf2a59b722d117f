"""Measures and cuts text in terminal cells; an ideograph takes two. Pure; expects text without control characters."""

from rich.cells import cell_len, chop_cells, set_cell_size


def crop(text: str, width: int) -> str:
    """Cut to at most `width` cells, with an ellipsis at the end if anything is cut off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def crop_start(text: str, width: int) -> str:
    """Cut to the last `width` cells: the end of a path says most."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[1:]
    return f"…{text}" if width > 0 else ""


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken between words, or within words longer than a line."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
            continue
        pieces = chop_cells(word, width) if cell_len(word) > width else [word]
        if lines == [""]:
            lines = []
        lines += pieces
    return lines
