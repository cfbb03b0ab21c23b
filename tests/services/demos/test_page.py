"""Every part of a demo's page stays in its place regardless of its content, and the policy allows only the API."""

import json
import re
from html.parser import HTMLParser

from hypothesis import example, given

from shared.models.demo import DemoCode
from shared.services.demos.page import render_page, write_policy
from tests.services.demos.texts import TEXTS

BASE = "https://app.example/api"
NONCE = "0123456789abcdef"


class Reader(HTMLParser):
    """Collects the text of each element before the body, and the position at which the body begins."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.nonces: list[str | None] = []
        self.inside: dict[str, str] = {}
        self.body_at = 0
        self._element = ""
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and (nonce := dict(attrs).get("nonce")):
            self.nonces.append(nonce)
        if tag == "body" and not self.body_at:
            line, column = self.getpos()
            self.body_at = self._starts[line - 1] + column + len(self.get_starttag_text() or "")
        if not self.body_at:
            self._element = tag
            self.inside.setdefault(tag, "")

    def handle_data(self, data: str) -> None:
        if not self.body_at:
            self.inside[self._element] = self.inside.get(self._element, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._element = ""


def script_strings(script: str) -> tuple[str, str]:
    """Returns API_BASE_URL and the demo's script as JavaScript reads them. Both are written as JSON strings."""
    base = re.search(r"^const API_BASE_URL = (\".*\");$", script, re.MULTILINE)
    code = re.search(r"^  const js = (\".*\");$", script, re.MULTILINE)
    assert base
    assert code
    return json.loads(base[1]), json.loads(code[1])


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("</title><script>alert(1)</script>", "<!--", "</style><script>", "</script><!--<script>")
def test_every_part_stays_in_its_place(title: str, html: str, css: str, js: str) -> None:
    """The demo's script is a string in the page's only script with the nonce; title, style and body are unchanged."""
    text = render_page(title, DemoCode(html=html, css=css, js=js), BASE, NONCE)
    assert text.startswith("<!doctype html>\n")
    reader = Reader(text)
    assert reader.nonces[:1] == [NONCE]
    assert NONCE not in reader.nonces[1:]
    assert script_strings(reader.inside["script"]) == (BASE, js)
    assert reader.inside["title"] == title
    assert reader.inside["style"].replace("<\\/", "</") == f"\n{css}\n".replace("<\\/", "</")
    assert text[reader.body_at :] == f"\n{html}"
    assert set(reader.inside) == {"html", "head", "meta", "title", "style", "script", ""}


def test_only_the_nonce_admits_scripts() -> None:
    """The policy omits the hash of the demo's script, which would also admit the script in a frame in its HTML."""
    first, _ = write_policy(BASE, NONCE).split(", ")
    assert f"script-src 'nonce-{NONCE}'" in first.split("; ")


def test_the_policy_allows_nothing_else() -> None:
    """The page has an opaque origin, may call only published agents, and may be framed only by the given origins."""
    embedders = ("https://front.example", "https://a.example; script-src *")
    first, _ = write_policy(BASE, NONCE, embedders).split(", ")
    directives = first.split("; ")
    assert directives[0] == "sandbox allow-scripts allow-forms allow-modals"
    assert "allow-same-origin" not in " ".join(directives)
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(directives)
    assert "connect-src https://app.example/api/rest/" in directives
    assert directives[-1] == "frame-ancestors 'self' https://front.example"


def test_a_script_must_satisfy_two_policies() -> None:
    """A script can read the nonce of its page. The second policy has no nonce, and admits no external script."""
    first, second = write_policy("https://a.example/api", "00ff", ()).split(", ")
    assert "'nonce-00ff'" in first
    assert second == "script-src 'unsafe-inline'"
