"""A demo's page cannot reach the network past its policy in a browser, whatever it tries.

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
from tests.e2e.chromium import launched

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
"""Asks a server for the page's own address over UDP. PORT: the server's."""
INNER = CALL.replace("CODE", "call(RTCPeerConnection);")


def attempt(code: str) -> str:
    return CALL.replace("CODE", code)


def framed(markup: str, before: str = "") -> str:
    """Puts a script with the nonce into a separate page, and lets `markup` create a frame of it."""
    return f"""
const inner = {json.dumps(INNER)};
const nonce = document.currentScript.nonce || "{NONCE}";
const whole = "<!doctype html><script nonce=" + nonce + ">" + inner + "</scr" + "ipt>";
{before}
{markup}
"""


FRAME = "const frame = document.createElement('iframe'); document.body.append(frame); "
DEMOS = {
    "plainly": DemoCode(html="", css="", js=attempt("call(RTCPeerConnection);")),
    "by its older name": DemoCode(html="", css="", js=attempt("call(webkitRTCPeerConnection);")),
    "in strict code": DemoCode(html="", css="", js=f"'use strict';{attempt('call(window.RTCPeerConnection);')}"),
    "of an empty frame": DemoCode(html="", css="", js=FRAME + attempt("call(frame.contentWindow.RTCPeerConnection);")),
    "of an empty frame in the markup": DemoCode(
        html="<iframe></iframe>", css="", js=attempt("call(frames[0].RTCPeerConnection);")
    ),
    "in a frame": DemoCode(html="", css="", js=framed(FRAME + "frame.srcdoc = whole;")),
    "in a frame whose maker has other names for things": DemoCode(
        html="<form name=head><input name=append></form><img name=createElement><img name=currentScript>",
        css="",
        js=framed(
            "const at = document.querySelector('form'); const frame = "
            "Document.prototype.createElement.call(document, 'iframe'); frame.srcdoc = whole; at.after(frame);"
        ),
    ),
    "in a frame of the markup": DemoCode(html=f"<iframe srcdoc='<script>{INNER}</script>'></iframe>", css="", js=INNER),
    "in a frame within a shadow": DemoCode(
        html="<div></div>",
        css="",
        js=framed(
            "document.querySelector('div').attachShadow({mode: 'closed'}).append("
            "Object.assign(document.createElement('iframe'), {srcdoc: whole}));"
        ),
    ),
    "in a frame by an address of code": DemoCode(
        html="", css="", js=framed(FRAME + "frame.src = 'javascript:' + encodeURIComponent(inner);")
    ),
    "in a blob": DemoCode(
        html="", css="", js=framed("location = URL.createObjectURL(new Blob([whole], {type: 'text/html'}));")
    ),
    "in a page that is written anew": DemoCode(
        html="", css="", js=framed("addEventListener('load', () => { document.open(); document.write(whole); });")
    ),
    "in a worker": DemoCode(html="", css="", js=framed("new Worker(URL.createObjectURL(new Blob([inner])));")),
}


@dataclass(frozen=True)
class Listener:
    """A server that records every packet, and never answers."""

    udp: socket.socket

    @property
    def port(self) -> int:
        return self.udp.getsockname()[1]

    @property
    def heard(self) -> bool:
        self.udp.setblocking(False)
        try:
            return bool(self.udp.recv(1))
        except BlockingIOError:
            return False


@pytest.fixture
def listeners() -> Iterator[dict[str, Listener]]:
    """One listener for each demo, and one for the page without a policy."""
    with ExitStack() as stack:
        made: dict[str, Listener] = {}
        for name in (*DEMOS, "free"):
            udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind(("127.0.0.1", 0))
            made[name] = Listener(udp)
        yield made


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
@pytest.mark.parametrize("way", ["", "/framed"])
def test_no_page_reaches_a_server_by_webrtc(listeners: dict[str, Listener], address: str, way: str) -> None:
    """From any window. A page without our policy does reach it, in less time than all others had."""
    with launched() as browser:
        context = browser.new_context()
        for number in range(len(listeners)):
            context.new_page().goto(f"{address}/{number}{way}")
        free = listeners["free"].udp
        free.settimeout(60)
        assert free.recv(1)
    assert [name for name, listener in listeners.items() if name != "free" and listener.heard] == []


@pytest.mark.timeout(120)
def test_a_demos_script_still_runs(address: str) -> None:
    """To its end, in strict mode or not; and the statement that closes the page has been removed."""
    with launched() as browser:
        tab = browser.new_context().new_page()
        for name in ("in strict code", "in a frame within a shadow"):
            for way in ("", "/framed"):
                tab.goto(f"{address}/{list(DEMOS).index(name)}{way}")
                frame = tab.main_frame.child_frames[0] if way else tab.main_frame
                assert frame.title() == "ran"
                assert frame.evaluate(f"typeof close_{NONCE}") == "undefined"
