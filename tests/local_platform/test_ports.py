"""Ports can be moved, and a taken port is reported in a sentence."""

import os
import socket
from collections.abc import Iterator

import pytest

from local_platform.console import Problem
from local_platform.ports import Ports, find_holder, is_taken, require_free


@pytest.fixture
def listener() -> Iterator[int]:
    """Returns a port on which this process listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_reported_with_its_process_and_a_remedy(listener: int) -> None:
    """The message names the port, its purpose and the process that uses it. The remedy suggests another offset."""
    with pytest.raises(Problem) as caught:
        require_free({"hosting": listener})
    assert caught.value.what.startswith(f"Port {listener} (hosting) is taken by ")
    assert caught.value.what.endswith(f"(process {os.getpid()})")
    assert "PORT_OFFSET=10000" in caught.value.remedy
    with pytest.raises(Problem) as caught:
        require_free({"hosting": listener}, Ports.from_environ({"PORT_OFFSET": "10000"}).offset)
    assert "PORT_OFFSET=20000" in caught.value.remedy, "the suggested offset must not be the one in use"


def test_a_free_port_is_accepted(listener: int) -> None:
    """A port is free as soon as its listener has ended."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free_port = other.getsockname()[1]
    assert not is_taken(free_port)
    require_free({"hosting": free_port})
    assert find_holder(free_port) is None


def test_port_offset_moves_all_ports() -> None:
    """PORT_OFFSET moves all ports, so that two suites can run at the same time. HTTP_PORT moves only the service's."""
    moved = Ports.from_environ({"PORT_OFFSET": "100", "HTTP_PORT": "8500"})
    assert moved.hosting == 8500
    assert {name: port - 100 for name, port in moved.by_name().items() if name != "hosting"} == {
        name: port for name, port in Ports().by_name().items() if name != "hosting"
    }
    assert Ports.from_environ({"PORT_OFFSET": ""}) == Ports()


def test_no_two_ports_are_the_same() -> None:
    """The default ports differ, and the service's port is 8000, as documented."""
    assert len(set(Ports().by_name().values())) == len(Ports().by_name())
    assert Ports().hosting == 8000


def test_disabled_parts_use_no_ports() -> None:
    """A suite without its own Firestore, model and UI does not open their ports."""
    ports = Ports().for_parts(firestore=False, ui=False, model=False)
    assert ports.keys().isdisjoint({"firestore", "firestore_websocket", "ui", "model"})


@pytest.mark.parametrize("value", ["many", "-1", "0", "70000", "99999", "8000.5", "٨٠٠٠", "9" * 5000])
def test_an_invalid_port_number_is_rejected(value: str) -> None:
    """The message names the variable and its valid values."""
    with pytest.raises(Problem, match=r"(?s)HTTP_PORT is '.*not a number from 1 to 65535"):
        Ports.from_environ({"HTTP_PORT": value})


def test_an_offset_that_makes_a_port_invalid_is_rejected() -> None:
    """The largest valid offset moves the highest port to 65535. A larger offset is rejected."""
    highest = 65535 - max(Ports().by_name().values())
    assert max(Ports.from_environ({"PORT_OFFSET": str(highest)}).by_name().values()) == 65535
    with pytest.raises(Problem, match=f"PORT_OFFSET is '{highest + 1}', which is not a number from 0 to {highest}"):
        Ports.from_environ({"PORT_OFFSET": str(highest + 1)})
