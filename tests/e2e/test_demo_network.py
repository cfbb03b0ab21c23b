"""Tests in a browser that a demo's page cannot bypass its policy to reach the network.

The tests serve the pages themselves, so they do not need the suite.
"""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape

import pytest

from shared.models.demo import DemoCode
from shared.services.demos.page import render_page, write_policy
from tests.e2e.chromium import launch

NONCE = "0123456789abcdef"
CALL_TEMPLATE = """
{
  const call = async (Connection) => {
    const connection = new Connection({ iceServers: [{ urls: "stun:127.0.0.1:PORT" }] });
    connection.createDataChannel("x");
    await connection.setLocalDescription(await connection.createOffer());
  };
  CODE
}
"""
"""Asks a STUN server for the page's own address over UDP. PORT: the server's port. CODE: the code that uses `call`."""
INNER_SCRIPT = CALL_TEMPLATE.replace("CODE", "call(RTCPeerConnection);")


def try_call(code: str) -> str:
    return CALL_TEMPLATE.replace("CODE", code)


def framed(script: str, before: str = "") -> str:
    """Returns a script with a second page, whose script has the nonce. `script` opens the second page in a frame."""
    return f"""
const inner = {json.dumps(INNER_SCRIPT)};
const nonce = document.currentScript.nonce || "{NONCE}";
const page = "<!doctype html><script nonce=" + nonce + ">" + inner + "</scr" + "ipt>";
{before}
{script}
"""


FRAME = "const frame = document.createElement('iframe'); document.body.append(frame); "
DEMOS = {
    "directly": DemoCode(html="", css="", js=try_call("call(RTCPeerConnection);")),
    "with the older name": DemoCode(html="", css="", js=try_call("call(webkitRTCPeerConnection);")),
    "in strict mode": DemoCode(html="", css="", js=f"'use strict';{try_call('call(window.RTCPeerConnection);')}"),
    "from an empty frame": DemoCode(
        html="", css="", js=FRAME + try_call("call(frame.contentWindow.RTCPeerConnection);")
    ),
    "from an empty frame in the markup": DemoCode(
        html="<iframe></iframe>", css="", js=try_call("call(frames[0].RTCPeerConnection);")
    ),
    "in a frame": DemoCode(html="", css="", js=framed(FRAME + "frame.srcdoc = page;")),
    "in a frame created by a page that shadows names": DemoCode(
        html="<form name=head><input name=append></form><img name=createElement><img name=currentScript>",
        css="",
        js=framed(
            "const form = document.querySelector('form'); const frame = "
            "Document.prototype.createElement.call(document, 'iframe'); frame.srcdoc = page; form.after(frame);"
        ),
    ),
    "in a frame in the markup": DemoCode(
        html=f"<iframe srcdoc='<script>{INNER_SCRIPT}</script>'></iframe>", css="", js=INNER_SCRIPT
    ),
    "in a frame in a shadow root": DemoCode(
        html="<div></div>",
        css="",
        js=framed(
            "document.querySelector('div').attachShadow({mode: 'closed'}).append("
            "Object.assign(document.createElement('iframe'), {srcdoc: page}));"
        ),
    ),
    "in a frame with a javascript: URL": DemoCode(
        html="", css="", js=framed(FRAME + "frame.src = 'javascript:' + encodeURIComponent(inner);")
    ),
    "in a blob": DemoCode(
        html="", css="", js=framed("location = URL.createObjectURL(new Blob([page], {type: 'text/html'}));")
    ),
    "in a page that is rewritten": DemoCode(
        html="", css="", js=framed("addEventListener('load', () => { document.open(); document.write(page); });")
    ),
    "in a worker": DemoCode(html="", css="", js=framed("new Worker(URL.createObjectURL(new Blob([inner])));")),
}


@dataclass(frozen=True)
class Listener:
    """A UDP server that records whether a packet has arrived, and never responds."""

    udp: socket.socket

    @property
    def port(self) -> int:
        return self.udp.getsockname()[1]

    @property
    def has_packet(self) -> bool:
        self.udp.setblocking(False)
        try:
            return bool(self.udp.recv(1))
        except BlockingIOError:
            return False


@pytest.fixture
def listeners() -> Iterator[dict[str, Listener]]:
    """Opens a listener for each demo, and one for the page without a policy."""
    with ExitStack() as stack:
        listeners: dict[str, Listener] = {}
        for name in (*DEMOS, "without a policy"):
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind(("127.0.0.1", 0))
            listeners[name] = Listener(udp)
        yield listeners


@pytest.fixture
def address(listeners: dict[str, Listener]) -> Iterator[str]:
    """Serves each demo at its number. The last number is the page without a policy."""
    names = list(listeners)

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = names[int(self.path.split("/")[1])]
            port = str(listeners[name].port)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if name == "without a policy":
                body = f"<!doctype html><body><script>{INNER_SCRIPT}</script>"
            else:
                code = DEMOS[name]
                base = f"http://{self.headers['Host']}"
                body = render_page(name, code.model_copy(update={"js": code.js + SET_TITLE}), base, NONCE)
                if self.path.endswith("/framed"):
                    body = f"<iframe sandbox='allow-scripts allow-forms allow-modals' srcdoc='{escape(body)}'></iframe>"
                else:
                    self.send_header("Content-Security-Policy", write_policy(base, NONCE))
            self.end_headers()
            self.wfile.write(body.replace("PORT", port).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


SET_TITLE = "\n;document.title = 'ran';"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("suffix", ["", "/framed"])
def test_no_demo_reaches_a_server_with_webrtc(listeners: dict[str, Listener], address: str, suffix: str) -> None:
    """A demo cannot reach a server with WebRTC from any window. A page without a policy can, in less time than the
    demos had."""
    with launch() as browser:
        context = browser.new_context()
        for number in range(len(listeners)):
            context.new_page().goto(f"{address}/{number}{suffix}")
        unrestricted = listeners["without a policy"].udp
        unrestricted.settimeout(60)
        assert unrestricted.recv(1)
    assert [name for name, listener in listeners.items() if name != "without a policy" and listener.has_packet] == []


@pytest.mark.timeout(120)
def test_a_demos_script_still_runs(address: str) -> None:
    """A demo's script runs to its end, in strict mode or not, and cannot find the function that blocks WebRTC."""
    with launch() as browser:
        tab = browser.new_context().new_page()
        for name in ("in strict mode", "in a frame in a shadow root"):
            for suffix in ("", "/framed"):
                tab.goto(f"{address}/{list(DEMOS).index(name)}{suffix}")
                frame = tab.main_frame.child_frames[0] if suffix else tab.main_frame
                assert frame.title() == "ran"
                assert frame.evaluate(f"typeof close_{NONCE}") == "undefined"
