"""Generates strings from pieces of HTML, CSS and JavaScript that could break out of their context."""

from hypothesis import strategies as st

PIECES = [
    "</script>", "</SCRIPT ", "<script>", "</style>", "</Style/", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "</title>",
    "</body></html>", "<textarea>", "<plaintext>", "<svg><style>", "<template>", "<frameset>", "{", "}", "{nonce}",
    "\\", '"', "'", "`", "${x}", "\n", "\u2028", "&lt;", "&", "😀", "text",
]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))
