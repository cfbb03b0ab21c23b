"""Documentation of a whole document for a model that writes calls: as detailed as a budget allows.

What each operation looks like is `operation_docs`' part, what is left out in which order `detail`'s.
"""

from itertools import islice

from shared.openapi.detail import LADDER, Detail
from shared.openapi.document import Document
from shared.openapi.operation_docs import OperationDocs
from shared.openapi.operations import Operation, operations, unreachable_paths
from shared.openapi.prose import prose
from shared.openapi.security import requirement, scheme_lines
from shared.openapi.servers import base_urls
from shared.openapi.sketch import LEGEND
from shared.openapi.tree import References, mapping

_MOST_UNREACHABLE = 10


def tool_docs(document: Document, budget: int) -> str:
    """Markdown of at most `budget` characters, with the line of every operation: `GET /pets/{id} (getPet)`.

    Lines are never left out nor cut short to fit: where the bare lines alone exceed `budget`, they are the text,
    and it is longer. Raises nothing, whatever is in the document.
    """
    references = References(document.tree)
    found = operations(document, references)
    docs = OperationDocs(document, references)
    best = "\n".join(operation.line for operation in found)
    # The richest step that fits. Each step is left as soon as it exceeds, so that time follows the budget.
    low, high = 0, len(LADDER) - 1
    while low < high:
        middle = (low + high) // 2
        text = _attempt(document, references, found, docs, LADDER[middle], budget)
        if text is None:
            low = middle + 1
        else:
            best, high = text, middle
    return best


def _attempt(
    document: Document,
    references: References,
    found: list[Operation],
    docs: OperationDocs,
    detail: Detail,
    budget: int,
) -> str | None:
    lines = _head(document, references, detail)
    if not found:
        lines.append("This document describes no operations.")
    elif lines and detail.parameters == "none":
        lines.append("")
    size = sum(len(line) + 1 for line in lines)
    for operation in found:
        if size - 1 > budget:
            return None
        more = docs.lines(operation, detail)
        size += sum(len(line) + 1 for line in more)
        lines += more
    return None if size - 1 > budget else "\n".join(lines)


def _head(document: Document, references: References, detail: Detail) -> list[str]:
    """What holds for all operations."""
    if not detail.head:
        return []
    full = detail.head == 3
    words = 200 if full else 0
    lines = [f"# {document.title or 'Untitled API'}" + (f" ({document.version})" if document.version else "")]
    about = prose(mapping(document.tree.get("info")).get("description"), 600) if full else ""
    if about:
        lines.append(f"> {about}")
    urls = base_urls(document, words)
    if len(urls) > 1:
        lines += ["Base URLs:", *(f"- {url}" for url in urls)]
    else:
        lines.append(f"Base URL: {urls[0] if urls else 'the document gives none'}")
    if detail.head == 1:
        return lines
    schemes = scheme_lines(document, references, words)
    if schemes:
        lines += ["Authentication:", *(f"- {scheme}" for scheme in schemes)]
    usual = requirement(document.tree)
    if usual is not None:
        lines.append(f"Unless an operation says otherwise it needs: {usual}")
    elif not schemes:
        lines.append("Authentication: none described")
    for path, name in islice(unreachable_paths(document, references), _MOST_UNREACHABLE):
        lines.append(f"Path {path} is described elsewhere: {name}")
    if detail.body is not None:
        lines.append(LEGEND)
    return lines
