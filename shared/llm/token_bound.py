"""How many tokens a text can be at most, whichever model family counts them; and about how many it is.

The figures behind this are in `docs/decisions/0031-a-hold-covers-the-worst-case.md`.
"""

import unicodedata

BYTES_PER_TOKEN = 4
"""Of English, in the tokenizers of today."""


def count_tokens_at_most(text: str) -> int:
    """An upper bound: one token for each UTF-8 byte, of the text as it is or as NFKC spells it out.

    Tokenizers merge bytes and fall back to single bytes, so none makes more tokens than there are bytes. Some
    normalize a text before that, which can make it longer: U+FDFA, three bytes, becomes 18 letters. Linear in `text`.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    return (
        size if text.isascii() else max(size, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))
    )
