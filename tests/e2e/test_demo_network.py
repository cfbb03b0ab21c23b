"""In a browser, a demo's page cannot bypass its policy and reach the network.

This test serves the pages itself, so the suite is not needed.
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
CALL = """
{
  const call = async (Connection) => {
    const connection = new Connection({ iceServers: [{ urls: "stun:127.0.0.1:PORT" }] });
    connection.createDataChannel("x");
    await connection.setLocalDescription(await connection.createOffer());
  };
  CODE
}
"""
"""Requests the page's own address from a STUN server over UDP. PORT: the server's port."""
INNER = CALL.replace("CODE", "call(RTCPeerConnection);")


def try_call(code: str) -> str:
    return CALL.replace("CODE", code)


def framed(markup: str, before: str = "") -> str:
    """Puts a script with the nonce into a separate page, and lets `markup` create a frame of it."""
    return f"""
const inner = {json.dumps(INNER)};
const nonce = document.currentScript.nonce || "{NONCE}";
const page = "<!doctype html><script nonce=" + nonce + ">" + inner + "</scr" + "ipt>";
{before}
{markup}
"""


FRAME = "const frame = document.createElement('iframe'); document.body.append(frame); "
DEMOS = {
    "directly": DemoCode(html="", css="", js=try_call("call(RTCPeerConnection);")),
    "by the older name": DemoCode(html="", css="", js=try_call("call(webkitRTCPeerConnection);")),
    "in strict code": DemoCode(html="", css="", js=f"'use strict';{try_call('call(window.RTCPeerConnection);')}"),
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
    "in a frame in the markup": DemoCode(html=f"<iframe srcdoc='<script>{INNER}</script>'></iframe>", css="", js=INNER),
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
    """A server that records whether a packet arrived, and never responds."""

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
    """A listener for each demo, and one for the page without a policy."""
    with ExitStack() as stack:
        opened: dict[str, Listener] = {}
        for name in (*DEMOS, "free"):
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind(("127.0.0.1", 0))
            opened[name] = Listener(udp)
        yield opened


@pytest.fixture
def address(listeners: dict[str, Listener]) -> Iterator[str]:
    """Serves the demos by their numbers, and the page without a policy as the last one."""
    names = list(listeners)

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = names[int(self.path.split("/")[1])]
            port = str(listeners[name].port)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if name == "free":
                body = f"<!doctype html><body><script>{INNER}</script>"
            else:
                code = DEMOS[name]
                base = f"http://{self.headers['Host']}"
                body = render_page(name, code.model_copy(update={"js": code.js + MARK}), base, NONCE)
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


MARK = "\n;document.title = 'ran';"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("suffix", ["", "/framed"])
def test_no_page_reaches_a_server_by_webrtc(listeners: dict[str, Listener], address: str, suffix: str) -> None:
    """A demo reaches it from no window. A page without a policy does, in less time than all demos had."""
    with launch() as browser:
        context = browser.new_context()
        for number in range(len(listeners)):
            context.new_page().goto(f"{address}/{number}{suffix}")
        free = listeners["free"].udp
        free.settimeout(60)
        assert free.recv(1)
    assert [name for name, listener in listeners.items() if name != "free" and listener.has_packet] == []


@pytest.mark.timeout(120)
def test_a_demos_script_still_runs(address: str) -> None:
    """The script runs to its end, in strict mode or not. The statement that blocks WebRTC has been removed."""
    with launch() as browser:
        tab = browser.new_context().new_page()
        for name in ("in strict code", "in a frame in a shadow root"):
            for suffix in ("", "/framed"):
                tab.goto(f"{address}/{list(DEMOS).index(name)}{suffix}")
                frame = tab.main_frame.child_frames[0] if suffix else tab.main_frame
                assert frame.title() == "ran"
                assert frame.evaluate(f"typeof close_{NONCE}") == "undefined"
