"""`make_immortal` changes only the reference counts of a snapshot's objects."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component

from shared.sandbox import fork_server
from shared.sandbox.fork_server.component import configure
from tools.build_engine import FOLDER
from tools.immortal_objects import ProgramRunner, make_immortal

IMMORTAL = 5 << 28
TYPE = 0x00401000
OBJECT = 0x00500000
COMPILED = FOLDER / fork_server.COMPILED
_MAX_PAGES = 250
"""The maximum number of the image's pages that a one-line run may write to. It actually writes to two thirds of this
number, and would write to twice this number without immortal objects."""


def number(value: int, signed: bool = False) -> bytes:
    """Encodes a number in LEB128."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if signed and byte & 0x40 else 0) and not (signed and value == 0 and byte & 0x40):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def section(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + number(len(data)) + data


def component(*segments: tuple[int, bytes], mode: int = 0) -> bytes:
    """Returns a component of two modules. The larger one has these memory segments."""
    data = number(len(segments)) + b"".join(
        bytes([mode, 0x41]) + number(address, signed=True) + b"\x0b" + number(len(content)) + content
        for address, content in segments
    )
    small = b"\0asm\1\0\0\0" + section(11, number(0))
    large = b"\0asm\1\0\0\0" + section(1, b"\0") + section(11, data)
    return b"\0asm\r\0\1\0" + section(1, small) + section(0, b"\4name") + section(1, large)


NULL_SEGMENT = (0, struct.pack("<I", IMMORTAL))
"""The segment that `make_immortal` appends."""


def head(references: int, type_address: int = TYPE) -> bytes:
    return struct.pack("<II", references, type_address)


def test_only_the_count_of_an_object_is_changed() -> None:
    """Only the object's count changes, at any position in a segment and at addresses of any size."""
    first, second, third = (0x1000, b"\1" * 70), (OBJECT - 4, b"abcd" + head(3) + b"rest"), (0x90000000, head(1) + b"x")
    after = make_immortal(component(first, second, third), [(OBJECT, TYPE), (0x90000000, TYPE)])
    changed = (second[0], b"abcd" + head(IMMORTAL) + b"rest"), (third[0], head(IMMORTAL) + b"x")
    assert after == component(first, *changed, NULL_SEGMENT)


def test_zeros_between_segments_belong_to_an_object() -> None:
    """The last bytes of an object's head may lie in the gap between two segments, where all bytes are zero."""
    before = component((OBJECT, head(2)[:7]))
    assert make_immortal(before, [(OBJECT, TYPE)]) == component((OBJECT, head(IMMORTAL)[:7]), NULL_SEGMENT)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(head(2, TYPE + 4), id="a different type: the run replaced the object"),
        pytest.param(head(OBJECT + 64), id="freed: the address of the next free block replaces the count"),
        pytest.param(head(0), id="freed: the last free block"),
        pytest.param(head(IMMORTAL), id="already immortal"),
        pytest.param(head(2)[:3], id="the count is not completely stored"),
    ],
)
def test_memory_that_is_not_a_live_object_is_unchanged(stored: bytes) -> None:
    """Memory that holds no live object of the snapshot does not change, because that would corrupt the heap."""
    before = component((OBJECT, stored))
    assert make_immortal(before, [(OBJECT, TYPE)]) == component((OBJECT, stored), NULL_SEGMENT)


def test_addresses_without_stored_memory_are_ignored() -> None:
    """Addresses before, between and after the segments are ignored, as are segments without an address."""
    segments = (OBJECT, head(2)), (OBJECT + 64, head(2))
    objects = [(0x10, TYPE), (OBJECT + 32, TYPE), (OBJECT + 4096, TYPE)]
    assert make_immortal(component(*segments), objects) == component(*segments, NULL_SEGMENT)
    passive = component((OBJECT, head(2)), mode=1)
    assert make_immortal(passive, [(OBJECT, TYPE)]) == passive


def test_encoded_sizes_may_grow() -> None:
    """The additional segment may lengthen the encoded sizes of its section and module, and the number of segments."""
    segments = [(OBJECT + 64 * index, b"x") for index in range(127)]
    assert make_immortal(component(*segments), []) == component(*segments, NULL_SEGMENT)


class PageCounter(ProgramRunner):
    """Counts the image's pages that were copied for a run, when the run ends."""

    pages = 0

    def _send(self, _store: Any, message: str) -> None:
        super()._send(_store, message)
        self.pages = count_copied_pages(str(COMPILED))


def test_a_run_writes_to_few_pages_of_the_image() -> None:
    """A run writes to few pages of the image. Copying these pages is most of a short run's cost in time and memory."""
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("This system does not have /proc/self/pagemap.")
    engine = wasmtime.Engine(configure(wasmtime))
    code = "async def run(input_dict, tools):\n    return {'text': input_dict['text'].upper()}"
    limits = {"log_bytes": 100, "result_bytes": 100, "only_load": False}
    program = json.dumps({"code": code, "input_dict": {"text": "x"}, "tools": {}, **limits})
    worker = PageCounter(wasmtime, engine, Component.deserialize_file(engine, str(COMPILED)), program)
    worker.run_program()
    assert worker.messages[-1].endswith('{"text": "X"}')
    assert 10 < worker.pages < _MAX_PAGES


def count_copied_pages(file: str) -> int:
    """Returns the number of pages of a mapped file that were copied for this process."""
    count = 0
    with open("/proc/self/maps") as maps, open("/proc/self/pagemap", "rb", 0) as pages:
        for line in maps:
            if line.rstrip().endswith(file):
                start, end = (int(address, 16) // 4096 for address in line.split()[0].split("-"))
                pages.seek(start * 8)
                entries = struct.unpack(f"<{end - start}Q", pages.read((end - start) * 8))
                count += sum(entry >> 63 == 1 and not entry >> 61 & 1 for entry in entries)
    return count
