"""A demo as one page: its parts put together so that none breaks out of its place, and the policy that it runs under.

The page's script is text that a model wrote, and may do whatever a page may. So the page gets an origin of its own
(`sandbox`), and of the world it calls the published agents alone.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator

from shared.models.demo import DemoCode

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_ORIGIN = re.compile(rf"https?://{_HOST}")
_MOST_PROBLEMS = 5
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<([a-zA-Z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))*+)", re.DOTALL
)
"""A comment, or a tag with its attributes. Nothing is tried twice, however odd the text is."""
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\s>]++)))?+")

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


def api_base(scheme: str, host: str, forwarded_host: str | None, function: str) -> str | None:
    """Where a page reaches the API, from how it was asked for itself; None for what is no scheme or host.

    Hosting names its own host in `X-Forwarded-Host`, and has the API below `/api`. At a function's own address
    there is nothing but that function: the published agents are next door. Any other host is the service's root.
    """
    scheme = scheme.lower()
    if forwarded_host:
        base = f"{scheme}://{forwarded_host}"
        path = "/api"
    elif host.startswith(f"{function}-") and host.endswith(".run.app"):
        base = f"{scheme}://deployments-{host.removeprefix(f'{function}-')}"
        path = ""
    else:
        base = f"{scheme}://{host}"
        path = "/deployments" if host.endswith(".cloudfunctions.net") else ""
    return f"{base}{path}" if _ORIGIN.fullmatch(base) else None


def page(title: str, code: DemoCode, base: str, nonce: str) -> str:
    """The whole page. `base`: of the API, made by `api_base`. `nonce`: of letters and digits.

    The one script of the page stands before what the demo says, so that nothing there (an open comment, a
    `<textarea>`) can swallow it. It holds the demo's own script as a string, and runs it when the body is complete,
    before `DOMContentLoaded`, as if it stood at the body's end. In CSS, `\\/` is another way to write a slash.

    The policies stand in it, too, as headers do not come along into a frame that has the page as its `srcdoc`.

    It takes WebRTC away, which reaches any address by UDP and which no policy of Chromium's bounds. Frames are windows
    of their own and would have it again; so before the demo's script does anything, a third policy says that no script
    begins from then on, and frames inherit it. What the first script needs for that it takes before the demo's HTML is
    read, in which elements could take the names of the document's own properties.
    """
    return _PAGE.format(
        title=html.escape(title, quote=False),
        css=code.css.replace("</", "<\\/"),
        first="; ".join(_directives(base, nonce)),
        second=_SECOND,
        nonce=nonce,
        api_base=_string(base),
        js=_string(code.js),
        html=code.html,
    )


def policy(base: str, nonce: str, embedders: Iterable[str] = ()) -> str:
    """The page's Content-Security-Policy. `embedders`: origins whose pages may frame it, beside its own.

    `sandbox` without `allow-same-origin`: an origin of its own, so no cookies, no storage, and nothing of the
    frontend that is served beside it. Scripts are let in by the nonce alone: the demo's HTML cannot know it, as it
    could know a hash. A script can read the policy that it runs under, nonce included; so there is a second one, which
    has none, and both must agree: it lets no script in that comes from anywhere else. What remains is navigation, which
    no policy of a page bounds: a demo can lead its visitor, and what was typed into it, to another site.
    """
    framing = " ".join(["'self'", *(origin for origin in embedders if origin == "*" or _ORIGIN.fullmatch(origin))])
    sandbox = "sandbox allow-scripts allow-forms allow-modals"
    first = "; ".join([sandbox, *_directives(base, nonce), f"frame-ancestors {framing}"])
    return f"{first}, {_SECOND}"


def _directives(base: str, nonce: str) -> list[str]:
    """Of the first policy, those that a page may say itself, too."""
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


def markup_problems(markup: str) -> list[str]:
    """What in a demo's HTML its policy keeps from working: the first few, each a sentence. Takes linear time."""
    return list(dict.fromkeys(_problems(markup)))[:_MOST_PROBLEMS]


def _problems(markup: str) -> Iterator[str]:
    for found in _TAG.finditer(markup):
        if found[1] is None:  # a comment
            continue
        tag = found[1].lower()
        if tag == "script":
            yield "A <script> in html does not run: all JavaScript belongs into js, without libraries."
        for attribute in _ATTRIBUTE.finditer(found[2]):
            name = attribute[1].lower()
            value = html.unescape(attribute[2] or attribute[3] or attribute[4] or "")
            if name.startswith("on") and len(name) > 2:
                yield f"{name[:40]}= on <{tag[:40]}> does not run: use addEventListener in js."
            elif name == "href" and value.strip().lower().startswith("javascript:"):
                yield f"A javascript: address on <{tag[:40]}> does not run: use addEventListener in js."


def _string(text: str) -> str:
    """A JavaScript string that is safe inside of a script element."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c")
