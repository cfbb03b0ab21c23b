"""The text of API keys: `fba_`, an id, a secret and a checksum, in letters and digits.

A double click selects all of it. The prefix lets secret scanners find keys, and the checksum lets them, and us, tell a
key from other text without a look-up, as GitHub's tokens do: https://github.blog/engineering/behind-githubs-new-authentication-token-formats/.
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from hashlib import sha256

from shared.models.caller import KEY_PREFIX
from shared.models.errors import Unauthenticated

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12
_SECRET_LENGTH = 30
"""Characters of the secret: 178 bits, which nobody can guess."""
_CHECKSUM_LENGTH = 6
"""Enough digits in base 62 for a CRC-32."""
_TAIL_LENGTH = _SECRET_LENGTH + _CHECKSUM_LENGTH
_FORMAT = re.compile(rf"{KEY_PREFIX}([0-9A-Za-z]{{{_ID_LENGTH}}})[0-9A-Za-z]{{{_TAIL_LENGTH}}}")


@dataclass(frozen=True, repr=False)
class KeyText:
    """A key as its user has it. It is shown in no message and no log."""

    text: str
    id: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the key, in hexadecimal. A slow hash is not needed, as the secret cannot be guessed."""
        return sha256(self.text.encode()).hexdigest()


def make_key_text() -> KeyText:
    """Returns a new key."""
    id_, secret = _random_text(_ID_LENGTH), _random_text(_SECRET_LENGTH)
    body = f"{KEY_PREFIX}{id_}{secret}"
    return KeyText(body + _checksum(body), id_)


def parse_key_text(text: str) -> KeyText:
    """Returns the key. Raises `Unauthenticated` for a text that no key has."""
    match = _FORMAT.fullmatch(text)
    if match is None:
        raise Unauthenticated(
            "This is not a complete API key: a key is 'fba_' and 48 letters and digits. Copy the whole key."
        )
    if _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        raise Unauthenticated("The API key is mistyped: its checksum is wrong. Copy it again.")
    return KeyText(text, match[1])


def prefix_of(key_id: str) -> str:
    """Returns how the key with this id begins."""
    return f"{KEY_PREFIX}{key_id}"


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
