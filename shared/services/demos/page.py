"""A demo as one page, whose parts cannot break out of their places, and the policy that the page runs under.

A model wrote the page's script, which can do anything that a page can. So the page has an origin of its own
(`sandbox`), and can call the published agents and nothing else.
"""

import html
import json
import re
from collections.abc import Iterable

from shared.models.demo import DemoCode

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_ORIGIN = re.compile(rf"https?://{_HOST}")

_SECOND = "script-src 'unsafe-inline'"

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
    """Whether it is a scheme and a host, with or without a port, and nothing else."""
    return _ORIGIN.fullmatch(text) is not None


def render_page(title: str, code: DemoCode, base: str, nonce: str) -> str:
    """The whole page. `base`: the API's URL. `nonce`: letters and digits, new for each page.

    The page's only script comes before the demo's HTML, so that nothing in that (an open comment, a `<textarea>`) can
    swallow it. It holds the demo's own script as a string, and runs it when the body is complete, before
    `DOMContentLoaded`, as if it came at the end of the body. In CSS, `\\/` is another way to write a slash.

    The page repeats its policies, as headers do not apply in a frame that has the page as its `srcdoc`.

    The script removes WebRTC, which reaches any address by UDP, and which no policy restricts in Chromium. Frames are
    windows of their own and would have WebRTC again. So before the demo's script does anything, a third policy forbids
    all further scripts, and frames inherit it. The script reads everything it needs for that before the demo's HTML is
    parsed, since elements there could shadow the document's own properties.
    """
    return _PAGE.format(
        title=html.escape(title, quote=False),
        css=code.css.replace("</", "<\\/"),
        first="; ".join(_directives(base, nonce)),
        second=_SECOND,
        nonce=nonce,
        api_base=_quote(base),
        js=_quote(code.js),
        html=code.html,
    )


def write_policy(base: str, nonce: str, embedders: Iterable[str] = ()) -> str:
    """The page's Content-Security-Policy. `embedders`: origins whose pages may frame it, beside its own.

    `sandbox` without `allow-same-origin` gives the page an origin of its own: no cookies, no storage, and no access
    to the frontend that is served beside it. Only the nonce admits scripts, as the demo's HTML cannot know it, while
    it could know a hash. A script can read its own policy, with the nonce; so a second policy, without a nonce, admits
    no script from elsewhere, and a script must satisfy both. Navigation remains, which no policy of a page can
    restrict: a demo can send its visitor, and what the visitor typed, to another site.
    """
    framing = " ".join(["'self'", *(origin for origin in embedders if origin == "*" or is_origin(origin))])
    sandbox = "sandbox allow-scripts allow-forms allow-modals"
    first = "; ".join([sandbox, *_directives(base, nonce), f"frame-ancestors {framing}"])
    return f"{first}, {_SECOND}"


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
    """The text as a JavaScript string that is safe inside a script element."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c")
