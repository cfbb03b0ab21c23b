"""Redacts text that looks like a secret."""

import re
from typing import cast

from pydantic import JsonValue

HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"""(?x)
      \b(?:sk|pk|rk|key)[-_](?:(?=[-_A-Za-z0-9*]*[0-9*])[-_A-Za-z0-9*]{8,}|[-_A-Za-z0-9]{16,})
    | \b(?:pplx|xai|gsk|hf|glpat|xapp|xox[abposr]|gh[opsur]|github_pat)[-_][-_A-Za-z0-9]{8,}
    | \bfba_[0-9A-Za-z]{16,}
    | \bwhsec_[-_A-Za-z0-9+/=]{8,}
    | \b(?:AKIA|ASIA|AIza|ABSK|ya29)[-_.A-Za-z0-9+/=]{10,}
    | \beyJ[-_A-Za-z0-9]{8,}\.[-_A-Za-z0-9]+\.[-_A-Za-z0-9]*     # a JSON web token
    | \b(?i:bearer|basic)\s+(?=[^\s,;]*[0-9]|[^\s,;]{16})[-_A-Za-z0-9.+/=]{6,}
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    | (?<=://)[^/\s:@]{0,100}:[^\s]{0,200}(?=@)                               # user:password in an address
    | \b[0-9a-fA-F]{32,}\b
    | \b[-_A-Za-z0-9]{40,}\b
    """
)
_NAMES = r"""
    (?: (?i:password|passwd|passphrase|passcode|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|session[-_]?key
          |private[-_]?key|authorization|cookie|credential)
      | (?<![A-Za-z])(?i:pass|pwd|auth|jwt)
    ) s? (?![a-z])
"""
"""Parts of secrets' names: they match DB_PASSWORD, secretKey and authTokens, but not passengers or tokenizers."""
_SECRET_NAME = re.compile(rf"(?x){_NAMES}")
_ASSIGNED = re.compile(
    rf"""(?x)
    ( (?<![A-Za-z0-9])[-\w]{{0,40}}?{_NAMES}[-\w]{{0,40}} ["']? \s{{0,5}} [=:] \s{{0,5}} )
    ( "[^"]*" | '[^']*' | (?:(?i:token|bearer|basic|digest)\s+)? [^\s,;&}}\]"']+ )
    """
)


def redact(text: str) -> str:
    """Returns `text` without keys, tokens, private keys and passwords in common formats."""
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _SECRETS.sub(HIDDEN, text))


def redact_json(value: JsonValue) -> JsonValue:
    """Redacts all strings in a JSON value. The whole value of a field such as "password" is replaced.

    A number in such a field is not replaced: fields such as `prompt_tokens` count tokens, and secrets are not numbers.
    """
    match value:
        case str():
            return redact(value)
        case list():
            return [redact_json(item) for item in value]
        case dict():
            return {
                redact(name): HIDDEN if _is_secret(name, item) else redact_json(item)
                for name, item in cast("dict[str, JsonValue]", value).items()
            }
        case _:
            return value


def _is_secret(name: str, value: JsonValue) -> bool:
    return isinstance(value, str | list | dict) and bool(value) and bool(_SECRET_NAME.search(name))
