"""Renders a demo as one HTML page, whose parts cannot escape from their elements, and writes the page's policy.

A model wrote the page's script, which can do anything that a page can. Therefore the page is sandboxed: it has an
opaque origin, and it can call the published agents and nothing else.
"""

import html
import json
import re
from collections.abc import Iterable

from shared.models.demo import DemoCode

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_ORIGIN = re.compile(rf"https?://{_HOST}")

_SECOND_POLICY = "script-src 'unsafe-inline'"

_PAGE = """\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{first}">
<meta http-equiv="Content-Security-Policy" content="{second}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{css}
</style>
<script nonce="{nonce}">
const API_BASE_URL = {api_base};
{{
  for (const name of Object.getOwnPropertyNames(window)) {{
    if (/RTC/.test(name)) delete window[name];
  }}
  const {{ head }} = document, closed = document.createElement("meta"), script = document.createElement("script");
  closed.httpEquiv = "Content-Security-Policy";
  closed.content = "script-src 'none'";
  window.close_{nonce} = () => {{ delete window.close_{nonce}; head.append(closed); }};
  const js = {js};
  script.nonce = "{nonce}";
  script.textContent = (/^\\s*(["'])use strict\\1/.test(js) ? '"use strict";' : "") + "close_{nonce}();" + js;
  document.addEventListener("readystatechange", () => document.body.append(script), {{ once: true }});
  document.currentScript.nonce = "";
}}
</script>
</head>
<body>
{html}"""


def is_origin(text: str) -> bool:
    """Whether `text` consists of a scheme and a host, with or without a port."""
    return _ORIGIN.fullmatch(text) is not None


def render_page(title: str, code: DemoCode, base: str, nonce: str) -> str:
    """Returns the whole page. `base`: the API's URL. `nonce`: letters and digits, new for each page.

    The page's only script comes before the demo's HTML, so that nothing in the HTML, such as an unclosed comment or
    `<textarea>`, can swallow it. The script contains the demo's script as a string, and runs it when the body is
    complete, before `DOMContentLoaded`, as if it came at the end of the body. In CSS, `\\/` is another way to write a
    slash.

    The page repeats its policies, because headers do not apply in a frame that has the page as its `srcdoc`.

    The script removes WebRTC, which can reach any address by UDP and which no policy restricts in Chromium. A frame has
    its own window, in which WebRTC would exist again. Therefore a third policy forbids all further scripts before the
    demo's script does anything, and frames inherit this policy. The script reads everything that it needs for this
    before the demo's HTML is parsed, since elements in the HTML could shadow the document's own properties.
    """
    return _PAGE.format(
        title=html.escape(title, quote=False),
        css=code.css.replace("</", "<\\/"),
        first="; ".join(_directives(base, nonce)),
        second=_SECOND_POLICY,
        nonce=nonce,
        api_base=_quote(base),
        js=_quote(code.js),
        html=code.html,
    )


def write_policy(base: str, nonce: str, embedders: Iterable[str] = ()) -> str:
    """The page's Content-Security-Policy. `embedders`: origins whose pages may frame it, in addition to its own.

    `sandbox` without `allow-same-origin` gives the page an opaque origin: no cookies, no storage, and no access to the
    frontend on the same site. Scripts are allowed by a nonce, which the demo's HTML cannot know, while it could know a
    hash. But a script can read its own policy, including the nonce. Therefore a second policy, without a nonce, forbids
    scripts from other sources, and a script must satisfy both policies. Navigation remains possible, because no policy
    can restrict it: a demo can send its visitor, and what the visitor typed, to another site.
    """
    framing = " ".join(["'self'", *(origin for origin in embedders if origin == "*" or is_origin(origin))])
    sandbox = "sandbox allow-scripts allow-forms allow-modals"
    first = "; ".join([sandbox, *_directives(base, nonce), f"frame-ancestors {framing}"])
    return f"{first}, {_SECOND_POLICY}"


def _directives(base: str, nonce: str) -> list[str]:
    """The directives of the first policy that the page itself can repeat."""
    return [
        "default-src 'none'",
        f"script-src 'nonce-{nonce}'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "media-src data: blob:",
        "font-src data:",
        f"connect-src {base}/rest/",
        "form-action 'none'",
        "base-uri 'none'",
    ]


def _quote(text: str) -> str:
    """Writes `text` as a JavaScript string that is safe inside a script element."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c")
