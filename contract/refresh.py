"""Writes the OpenAPI document, for `make contract`: for `meta`, which serves it, and for the documentation."""

import json

from contract.document import document
from contract.functions import ROOT

SERVED = ROOT / "functions" / "meta" / "openapi.json"
DOCUMENTED = ROOT / "docs" / "openapi.json"


def text() -> str:
    """Returns the document as it is written to files."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    fresh = text()
    for path in (SERVED, DOCUMENTED):
        path.write_text(fresh, encoding="utf-8")
