"""Writes the document, for `make contract`: to where `meta` serves it, and to where people look for it."""

import json

from contract.document import document
from contract.functions import ROOT

SERVED = ROOT / "functions" / "meta" / "openapi.json"
KEPT = ROOT / "docs" / "openapi.json"


def text() -> str:
    """The document as it is written."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    fresh = text()
    for path in (SERVED, KEPT):
        path.write_text(fresh, encoding="utf-8")
