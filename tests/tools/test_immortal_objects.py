"""Objects of a snapshot that are made immortal: which of them, and that nothing else is changed."""

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
from tools.immortal_objects import Asking, make_immortal

IMMORTAL = 5 << 28
TYPE = 0x00401000
OBJECT = 0x00500000
COMPILED = FOLDER / fork_server.COMPILED
_MAX_PAGES = 250
"""Of the image, that a run of one line may write to: half as many again as it does, and half of what it did once."""


def number(value: int, signed: bool = False) -> bytes:
    """In LEB128."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if signed and byte & 0x40 else 0) and not (signed and value == 0 and byte & 0x40):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def section(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + number(len(data)) + data


def component(*segments: tuple[int, bytes], mode: int = 0) -> bytes:
    """A component of two modules, the larger of which has these segments of memory."""
    data = number(len(segments)) + b"".join(
        bytes([mode, 0x41]) + number(address, signed=True) + b"\x0b" + number(len(what)) + what
        for address, what in segments
    )
    small = b"\0asm\1\0\0\0" + section(11, number(0))
    large = b"\0asm\1\0\0\0" + section(1, b"\0") + section(11, data)
    return b"\0asm\r\0\1\0" + section(1, small) + section(0, b"\4name") + section(1, large)


NOTHING = (0, struct.pack("<I", IMMORTAL))
"""What is added behind the other segments."""


def head(references: int, type_address: int = TYPE) -> bytes:
    return struct.pack("<II", references, type_address)


def test_only_the_count_of_an_object_is_changed() -> None:
    """Wherever in a segment it is; the addresses of segments may be of any size."""
    first, second, third = (0x1000, b"\1" * 70), (OBJECT - 4, b"abcd" + head(3) + b"rest"), (0x90000000, head(1) + b"x")
    after = make_immortal(component(first, second, third), [(OBJECT, TYPE), (0x90000000, TYPE)])
    changed = (second[0], b"abcd" + head(IMMORTAL) + b"rest"), (third[0], head(IMMORTAL) + b"x")
    assert after == component(first, *changed, NOTHING)


def test_zeros_that_are_not_stored_belong_to_it() -> None:
    """The last bytes of a head may be the gap between two segments."""
    before = component((OBJECT, head(2)[:7]))
    assert make_immortal(before, [(OBJECT, TYPE)]) == component((OBJECT, head(IMMORTAL)[:7]), NOTHING)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(head(2, TYPE + 4), id="of another type: the run has made it where something else was"),
        pytest.param(head(OBJECT + 64), id="freed, with the next free place in the place of the count"),
        pytest.param(head(0), id="freed, the last of the free places"),
        pytest.param(head(IMMORTAL), id="immortal already"),
        pytest.param(head(2)[:3], id="with a count that is not stored in one piece"),
    ],
)
def test_what_is_not_a_living_object_of_the_snapshot_is_unchanged(stored: bytes) -> None:
    """Writing there would break the heap."""
    before = component((OBJECT, stored))
    assert make_immortal(before, [(OBJECT, TYPE)]) == component((OBJECT, stored), NOTHING)


def test_what_is_not_stored_at_all_stays() -> None:
    """Before the first segment, between two, and after the last; and in segments without an address."""
    segments = (OBJECT, head(2)), (OBJECT + 64, head(2))
    objects = [(0x10, TYPE), (OBJECT + 32, TYPE), (OBJECT + 4096, TYPE)]
    assert make_immortal(component(*segments), objects) == component(*segments, NOTHING)
    passive = component((OBJECT, head(2)), mode=1)
    assert make_immortal(passive, [(OBJECT, TYPE)]) == passive


def test_sizes_that_take_a_byte_more_with_it() -> None:
    """Of the number of segments, of their section, and of the module around it."""
    segments = [(OBJECT + 64 * number, b"x") for number in range(127)]
    assert make_immortal(component(*segments), []) == component(*segments, NOTHING)


class Counting(Asking):
    """Counts the pages of the image that its run has copied when it ends."""

    pages = 0

    def _send(self, _store: Any, message: str) -> None:
        super()._send(_store, message)
        self.pages = own_pages(str(COMPILED))


def test_a_run_writes_to_few_pages_of_the_image() -> None:
    """Each of them is copied for it: that is most of what a short run costs, in time and in memory."""
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("This system does not tell.")
    engine = wasmtime.Engine(configure(wasmtime))
    code = "async def run(input_dict, tools):\n    return {'text': input_dict['text'].upper()}"
    limits = {"log_bytes": 100, "result_bytes": 100, "only_load": False}
    program = json.dumps({"code": code, "input_dict": {"text": "x"}, "tools": {}, **limits})
    worker = Counting(wasmtime, engine, Component.deserialize_file(engine, str(COMPILED)), program)
    worker.ask()
    assert worker.said[-1].endswith('{"text": "X"}')
    assert 10 < worker.pages < _MAX_PAGES


def own_pages(file: str) -> int:
    """Pages of the mappings of a file that this process has copied."""
    count = 0
    with open("/proc/self/maps") as maps, open("/proc/self/pagemap", "rb", 0) as pages:
        for line in maps:
            if line.rstrip().endswith(file):
                start, end = (int(address, 16) // 4096 for address in line.split()[0].split("-"))
                pages.seek(start * 8)
                entries = struct.unpack(f"<{end - start}Q", pages.read((end - start) * 8))
                count += sum(entry >> 63 == 1 and not entry >> 61 & 1 for entry in entries)
    return count
