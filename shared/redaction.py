"""Strikes out what looks like a secret."""

import re
from typing import cast

from pydantic import JsonValue

HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"""(?ix)
    \b(?:sk|pk|rk|pplx|xai|gsk|ghp|gho|github_pat|xox[abposr]|AKIA|ASIA|AIza|ya29|key)[-_.]?[-_A-Za-z0-9*]{10,}
    | \beyJ[-_A-Za-z0-9]{8,}\.[-_A-Za-z0-9]+\.[-_A-Za-z0-9]*     # a JSON web token
    | \b(?:bearer|basic)\s+[-_A-Za-z0-9.+/=]{8,}
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)                             # user:password in an address
    | \b[-_A-Za-z0-9]{40,}\b
    """
)
_SECRET_NAMES = re.compile(r"(?i)pass(word|wd)?|secret|token|api[-_ ]?key|authorization|cookie|credential|private")
_ASSIGNED = re.compile(
    r"(?i)\b((?:pass(?:word|wd)?|secret|token|api[-_ ]?key)\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)


def redacted(text: str) -> str:
    """`text` without keys, tokens, private keys and passwords of common shapes."""
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _SECRETS.sub(HIDDEN, text))


def redacted_json(value: JsonValue) -> JsonValue:
    """The same for all texts in a JSON value; what stands under a name such as "password" goes whole."""
    match value:
        case str():
            return redacted(value)
        case list():
            return [redacted_json(item) for item in value]
        case dict():
            return {
                redacted(name): HIDDEN if _SECRET_NAMES.search(name) and item else redacted_json(item)
                for name, item in cast("dict[str, JsonValue]", value).items()
            }
        case _:
            return value
