"""Documents an API for a model that writes calls, in as much detail as a budget allows.

`operation_docs` writes each operation; `detail` determines the order in which details are omitted.
"""

from shared.openapi.detail import LADDER, LINES, Detail
from shared.openapi.document import Document
from shared.openapi.operation_docs import OperationDocs
from shared.openapi.operations import Operation, list_operations, list_unreachable_paths
from shared.openapi.prose import prose
from shared.openapi.security import describe_requirement, describe_schemes
from shared.openapi.servers import list_base_urls
from shared.openapi.sketch import LEGEND
from shared.openapi.tree import References, as_mapping

_MAX_UNREACHABLE = 10
SHORT = (
    "Where there is room, each operation is followed by what must be sent: required parameters, and its body with the "
    "required fields first. Path parameters are required; they are strings unless stated otherwise."
)


def write_tool_docs(document: Document, budget: int) -> str:
    """Returns Markdown of at most `budget` characters, with a line like `GET /pets/{id} (getPet)` for every operation.

    These lines are never dropped or cut. If they alone exceed `budget`, they are returned nevertheless. Never raises an
    error, whatever the document is.
    """
    references = References(document.tree)
    operations = list_operations(document, references)
    docs = OperationDocs(document, references)
    best: str | None = None
    # Find the most detailed level that fits. Each attempt stops when it exceeds the budget, which limits the time.
    low, high = 0, len(LADDER)
    while low < high:
        middle = (low + high) // 2
        text = _try_detail(document, references, operations, docs, LADDER[middle], budget)
        if text is None:
            low = middle + 1
        else:
            best, high = text, middle
    return _fill_lines(document, references, operations, docs, budget) if best is None else best


def _fill_lines(
    document: Document, references: References, operations: list[Operation], docs: OperationDocs, budget: int
) -> str:
    """Returns all lines below the longest head that fits, with required values for as many operations as possible.

    Operations with short lists of required values take precedence.
    """
    lines = [operation.line for operation in operations]
    min_size = sum(len(line) + 1 for line in lines) - 1
    for detail in LINES:
        head = _write_head(document, references, operations, detail)
        head += [""] if head else []
        remaining = budget - min_size - sum(len(line) + 1 for line in head)
        if remaining < 0:
            continue
        longer_lines = sorted(
            (len(line) - len(lines[index]), index, line)
            for index, operation in enumerate(operations)
            for line in docs.lines(operation, LADDER[-1])
            if len(line) > len(lines[index])
        )
        for size, index, line in longer_lines:
            remaining -= size
            if remaining < 0:
                break
            lines[index] = line
        return "\n".join([*head, *lines])
    return "\n".join(lines)


def _try_detail(
    document: Document,
    references: References,
    operations: list[Operation],
    docs: OperationDocs,
    detail: Detail,
    budget: int,
) -> str | None:
    lines = _write_head(document, references, operations, detail)
    if not operations:
        lines.append("This document describes no operations.")
    elif detail.parameters == "required":
        lines.append("")
    size = sum(len(line) + 1 for line in lines)
    for operation in operations:
        if size - 1 > budget:
            return None
        written = docs.lines(operation, detail)
        size += sum(len(line) + 1 for line in written)
        lines += written
    return None if size - 1 > budget else "\n".join(lines)


def _write_head(document: Document, references: References, operations: list[Operation], detail: Detail) -> list[str]:
    """Returns the lines that apply to all operations."""
    if not detail.head:
        return []
    full = detail.head == 3
    description_length = 200 if full else 0
    lines = [f"# {document.title or 'Untitled API'}" + (f" ({document.version})" if document.version else "")]
    description = prose(as_mapping(document.tree.get("info")).get("description"), 600) if full else ""
    if description:
        lines.append(f"> {description}")
    urls = list_base_urls(document, description_length)
    if len(urls) > 1:
        lines += ["Base URLs:", *(f"- {url}" for url in urls)]
    else:
        lines.append(f"Base URL: {urls[0] if urls else 'none given'}")
    elsewhere = [operation.missing for operation in operations if operation.missing]
    if elsewhere:
        lines.append(
            f"{len(elsewhere)} of {len(operations)} operations are described elsewhere, such as in {elsewhere[0]}: "
            "what they take and return is unknown."
        )
    if detail.head == 1:
        return lines
    schemes = describe_schemes(document, references, description_length)
    if schemes:
        lines += ["Authentication:", *(f"- {scheme}" for scheme in schemes)]
    requirement = describe_requirement(document.tree)
    if requirement is not None:
        lines.append(f"Unless an operation says otherwise, it needs: {requirement}")
    elif not schemes:
        lines.append("Authentication: none described")
    unreachable = list(list_unreachable_paths(document, references))
    for path, name in unreachable[:_MAX_UNREACHABLE]:
        lines.append(f"Path {path} is described elsewhere: {name}")
    if len(unreachable) > _MAX_UNREACHABLE:
        lines.append(f"… and so are {len(unreachable) - _MAX_UNREACHABLE} more paths.")
    if detail.body is not None:
        lines.append(LEGEND)
    if detail.parameters in ("required", "none"):
        lines.append(SHORT)
    return lines
