"""The highest possible number of tokens that any model's tokenizer makes of a text, and the usual number.

The measurements are in `docs/decisions/0031-a-hold-covers-the-worst-case.md`.
"""

import unicodedata

BYTES_PER_TOKEN = 4
"""The average for English text and current tokenizers."""


def count_tokens_at_most(text: str) -> int:
    """Returns an upper bound: one token for each byte of the text or of its NFKC form in UTF-8, whichever is longer.

    Tokenizers merge bytes and fall back to single bytes, so they never produce more tokens than bytes. Some normalize
    the text first, which can make it longer: U+FDFA has three bytes, and becomes 18 letters. The running time is linear
    in the length of `text`.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    return (
        size if text.isascii() else max(size, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))
    )
