"""Reads and writes the binary format that WebAssembly's modules and components share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HEADER_BYTES = 8
"""The number of bytes before the first section of a module or a component."""


@dataclass(frozen=True)
class Section:
    """A section of a module or component.

    `begin`: the offset of its header, which contains its kind and size. `start`, `end`: the offsets of its content.
    """

    kind: int
    begin: int
    start: int
    end: int


class Reader:
    """Reads values one after the other. `at`: the offset of the next one."""

    def __init__(self, data: bytes | bytearray, at: int = 0) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self, signed: bool = False) -> int:
        value, self.at = read_number(self.data, self.at, signed)
        return value

    def encoded_number(self) -> bytes:
        """Reads a number without decoding it."""
        begin = self.at
        self.number()
        return bytes(self.data[begin : self.at])

    def blob(self) -> bytes:
        """Reads bytes with their length."""
        return self.take(self.number())

    def name(self) -> str:
        return self.blob().decode()

    def take(self, size: int) -> bytes:
        self.at += size
        return bytes(self.data[self.at - size : self.at])


def read_sections(data: bytes | bytearray, at: int, end: int) -> Iterator[Section]:
    while at < end:
        size, start = read_number(data, at + 1)
        yield Section(data[at], at, start, start + size)
        at = start + size


def read_number(data: bytes | bytearray, at: int, signed: bool = False) -> tuple[int, int]:
    """Decodes a number in LEB128. Returns the number and the offset after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - (1 << shift) if signed and byte & 0x40 else value, at


def encode_unsigned(value: int) -> bytes:
    """Encodes a number in LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def encode_signed(value: int) -> bytes:
    """Encodes a number in signed LEB128."""
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value & 0x7F])


def encode_blob(content: bytes) -> bytes:
    """Encodes a name, or other bytes with their length."""
    return encode_unsigned(len(content)) + content


def encode_section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + encode_blob(content)


def encode_list(items: Sequence[bytes]) -> bytes:
    return encode_unsigned(len(items)) + b"".join(items)
