"""The highest possible number of tokens of a text with any model's tokenizer, and the usual number.

The measurements are in `docs/decisions/0031-a-hold-covers-the-worst-case.md`.
"""

import unicodedata

BYTES_PER_TOKEN = 4
"""The average for English text with current tokenizers."""


def count_tokens_at_most(text: str) -> int:
    """An upper bound: one token for each UTF-8 byte of the text or of its NFKC form, whichever is longer.

    Tokenizers merge bytes and fall back to single bytes, so they never produce more tokens than bytes. Some normalize
    the text first, which can make it longer: U+FDFA has three bytes, and becomes 18 letters. The time is linear in the
    length of `text`.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    return (
        size if text.isascii() else max(size, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))
    )
