"""A demo's page: whatever its parts are, each stays in its place, and the policy lets the API in alone."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.models.demo import DemoCode
from shared.services.demos.page import api_base, markup_problems, page, policy

BASE = "https://app.example/api"
NONCE = "0123456789abcdef"
PIECES = [
    "</script>", "</SCRIPT ", "<script>", "</style>", "</Style/", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "</title>",
    "</body></html>", "<textarea>", "<plaintext>", "<svg><style>", "<template>", "<frameset>", "{", "}", "{nonce}",
    "\\", '"', "'", "`", "${x}", "\n", "\u2028", "&lt;", "&", "😀", "text",
]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


class Reader(HTMLParser):
    """What comes before the body, by element; where the body begins."""

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
    """API_BASE_URL and the demo's script, as JavaScript reads them: its strings here are JSON."""
    base = re.search(r"^const API_BASE_URL = (\".*\");$", script, re.MULTILINE)
    code = re.search(r"^  const js = (\".*\");$", script, re.MULTILINE)
    assert base
    assert code
    return json.loads(base[1]), json.loads(code[1])


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("</title><script>alert(1)</script>", "<!--", "</style><script>", "</script><!--<script>")
def test_every_part_stays_in_its_place(title: str, html: str, css: str, js: str) -> None:
    """One script of ours with our nonce, holding what was given; title, style and body are what was given."""
    text = page(title, DemoCode(html=html, css=css, js=js), BASE, NONCE)
    assert text.startswith("<!doctype html>\n")
    reader = Reader(text)
    assert reader.nonces[:1] == [NONCE]
    assert NONCE not in reader.nonces[1:]
    assert script_strings(reader.inside["script"]) == (BASE, js)
    assert reader.inside["title"] == title
    assert reader.inside["style"].replace("<\\/", "</") == f"\n{css}\n".replace("<\\/", "</")
    assert text[reader.body_at :] == f"\n{html}"
    assert set(reader.inside) == {"html", "head", "meta", "title", "style", "script", ""}


def test_scripts_are_let_in_by_the_nonce_alone() -> None:
    """A hash of the demo's script would let in the same text in a frame that the demo's HTML holds."""
    first, _ = policy(BASE, NONCE).split(", ")
    assert f"script-src 'nonce-{NONCE}'" in first.split("; ")


def test_the_policy_is_closed() -> None:
    """An origin of its own, no way out but the published agents, and framed by those alone who may."""
    embedders = ("https://front.example", "https://a.example; script-src *")
    first, _ = policy(BASE, NONCE, embedders).split(", ")
    directives = first.split("; ")
    assert directives[0] == "sandbox allow-scripts allow-forms allow-modals"
    assert "allow-same-origin" not in " ".join(directives)
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(directives)
    assert "connect-src https://app.example/api/rest/" in directives
    assert directives[-1] == "frame-ancestors 'self' https://front.example"


@pytest.mark.parametrize(
    ("scheme", "host", "forwarded", "base"),
    [
        ("https", "internal", "app.web.app", "https://app.web.app/api"),
        ("http", "127.0.0.1:5001", "127.0.0.1:8000", "http://127.0.0.1:8000/api"),
        ("http", "127.0.0.1:8000", None, "http://127.0.0.1:8000"),
        ("http", "localhost", "", "http://localhost"),
        ("http", "[::1]:8000", None, "http://[::1]:8000"),
        ("https", "demos-abc123-uc.a.run.app", None, "https://deployments-abc123-uc.a.run.app"),
        ("https", "us-central1-p.cloudfunctions.net", None, "https://us-central1-p.cloudfunctions.net/deployments"),
    ],
)
def test_where_the_api_is(scheme: str, host: str, forwarded: str | None, base: str) -> None:
    """Below `/api` behind Hosting, next door at a function's own address, at the root otherwise."""
    assert api_base(scheme, host, forwarded, "demos") == base


@pytest.mark.parametrize(
    ("scheme", "host", "forwarded"),
    [
        ("javascript", "a.example", None),
        ("https", "", None),
        ("https", "a.example/x", None),
        ("https", "a.example;script-src *", None),
        ("https", "a.example", 'b"</script>'),
        ("https", "a.example", "user@b.example"),
        ("https", "a.example", "b.example:port"),
        ("https", "a.example\n", None),
        ("https", "é.example", None),
    ],
)
def test_what_is_no_host_is_none(scheme: str, host: str, forwarded: str | None) -> None:
    """Nothing of a header gets into page or policy that is not a scheme, a name and a port."""
    assert api_base(scheme, host, forwarded, "demos") is None


@pytest.mark.parametrize(
    ("markup", "word"),
    [
        ("<script>x()</script>", "<script>"),
        ('<SCRIPT src="https://cdn.example/x.js">', "<script>"),
        ('<button onclick="go()">', "onclick= on <button>"),
        ("<p>a<img src=x ONERROR=y>", "onerror= on <img>"),
        ('<a href=" JavaScript:go()">', "javascript:"),
    ],
)
def test_what_cannot_run_is_told(markup: str, word: str) -> None:
    """Scripts and handlers within the HTML."""
    (problem,) = markup_problems(markup)
    assert word in problem


@pytest.mark.parametrize("markup", ["", "<p>on</p>", "<a href=#x on>", "<p>a < b <!-- <script> --></p>", "<style>"])
def test_what_runs_is_not_told(markup: str) -> None:
    """Text and comments are no elements."""
    assert markup_problems(markup) == []


@given(TEXTS)
@example("<![x[")
@example("<![ ")
def test_any_markup_can_be_looked_at(markup: str) -> None:
    """Without failing."""
    assert len(markup_problems(markup)) <= 5


@pytest.mark.parametrize("piece", ["<a ", "<a x='", '<a x="', "<!--", "<a b='c' d", "</", "<a x=", "<![", "<a x"])
@pytest.mark.timeout(20)
def test_hostile_markup_is_read_in_linear_time(piece: str) -> None:
    """What a model writes may be anything."""
    markup_problems(piece * (200_000 // len(piece)))


def test_two_policies_have_to_agree() -> None:
    """A script can read the nonce in its own policy; the second has none, and lets no foreign script in."""
    first, second = policy("https://a.example/api", "00ff", ()).split(", ")
    assert "'nonce-00ff'" in first
    assert second == "script-src 'unsafe-inline'"


def test_a_scheme_is_read_in_any_case() -> None:
    """Proxies write it as they like."""
    assert api_base("HTTPS", "x", "a.example", "demos") == "https://a.example/api"
