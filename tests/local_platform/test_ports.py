"""Ports can be moved, and a taken port is reported in a sentence."""

import os
import socket
from collections.abc import Iterator

import pytest

from local_platform.console import Problem
from local_platform.ports import Ports, find_holder, is_taken, refuse_taken


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_reported_with_its_process_and_a_remedy(listener: int) -> None:
    """The port, its purpose, the process that uses it, and what to do."""
    with pytest.raises(Problem) as caught:
        refuse_taken({"hosting": listener})
    assert caught.value.what.startswith(f"Port {listener} (hosting) is taken by ")
    assert caught.value.what.endswith(f"(process {os.getpid()})")
    assert "PORT_OFFSET=10000" in caught.value.remedy
    with pytest.raises(Problem) as caught:
        refuse_taken({"hosting": listener}, Ports.from_environ({"PORT_OFFSET": "10000"}).offset)
    assert "PORT_OFFSET=20000" in caught.value.remedy, "not the one in use"


def test_a_free_port_is_no_problem(listener: int) -> None:
    """Nor is one whose listener has ended."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert not is_taken(free)
    refuse_taken({"hosting": free})
    assert find_holder(free) is None


def test_an_offset_moves_every_port_and_http_port_the_service() -> None:
    """Two suites can run beside each other."""
    moved = Ports.from_environ({"PORT_OFFSET": "100", "HTTP_PORT": "8500"})
    assert moved.hosting == 8500
    assert {name: port - 100 for name, port in moved.by_name().items() if name != "hosting"} == {
        name: port for name, port in Ports().by_name().items() if name != "hosting"
    }
    assert Ports.from_environ({"PORT_OFFSET": ""}) == Ports()


def test_no_two_ports_are_the_same() -> None:
    """The service's own port is 8000, as documented."""
    assert len(set(Ports().by_name().values())) == len(Ports().by_name())
    assert Ports().hosting == 8000


def test_disabled_parts_need_no_port() -> None:
    """With a running Firestore elsewhere, no model, and no UI."""
    ports = Ports().to_listen_on(firestore=False, ui=False, model=False)
    assert ports.keys().isdisjoint({"firestore", "firestore_websocket", "ui", "model"})


@pytest.mark.parametrize("value", ["many", "-1", "0", "70000", "99999", "8000.5", "٨٠٠٠", "9" * 5000])
def test_an_invalid_port_number_is_refused(value: str) -> None:
    """In a sentence that names the variable and its valid values."""
    with pytest.raises(Problem, match=r"(?s)HTTP_PORT is '.*not a number from 1 to 65535"):
        Ports.from_environ({"HTTP_PORT": value})


def test_an_offset_keeps_every_port_valid() -> None:
    """Even the highest port."""
    highest = 65535 - max(Ports().by_name().values())
    assert max(Ports.from_environ({"PORT_OFFSET": str(highest)}).by_name().values()) == 65535
    with pytest.raises(Problem, match=f"PORT_OFFSET is '{highest + 1}', which is not a number from 0 to {highest}"):
        Ports.from_environ({"PORT_OFFSET": str(highest + 1)})
