"""The sources of an answer, in one shape for all providers.

A citation is a JSON object. Its fields, all of which are optional, are `url`; `title`; `cited_text`, the text of the
source; `start_index` and `end_index`, the range of characters in the answer's content that the source supports; and
`file_id`, if the source is a file and not a page.
"""

from collections.abc import Iterable
from typing import Any

from shared.llm.text import object_of, objects_of, text_of


def citation(
    url: Any = None,
    title: Any = None,
    cited_text: Any = None,
    span: tuple[Any, Any] = (None, None),
    file_id: Any = None,
) -> dict[str, Any]:
    """Builds a citation without values that are missing or have the wrong type."""
    texts = {"url": url, "file_id": file_id, "title": title, "cited_text": cited_text}
    fields: dict[str, Any] = {name: text for name, text in texts.items() if isinstance(text, str) and text}
    start, end = span
    if _is_index(start) and _is_index(end) and start <= end:
        fields |= {"start_index": start, "end_index": end}
    return fields


def from_annotations(annotations: Any, offset: int = 0) -> list[dict[str, Any]]:
    """Returns the citations in annotations from OpenAI's two interfaces or from OpenRouter.

    `offset`: the position of the annotated text in the content.
    """
    citations: list[dict[str, Any]] = []
    for annotation in objects_of(annotations):
        inner = object_of(annotation.get("url_citation")) or object_of(annotation.get("file_citation"))
        fields = {**annotation, **inner}
        start, end = (_move(fields.get(name), offset) for name in ("start_index", "end_index"))
        title = fields.get("title") or fields.get("filename")
        cited_text = text_of(fields.get("content")) or fields.get("quote")
        citations.append(citation(fields.get("url"), title, cited_text, (start, end), fields.get("file_id")))
    return [found for found in citations if found.keys() & {"url", "file_id"}]


def from_search_results(citations: Any, results: Any) -> list[dict[str, Any]]:
    """Returns Perplexity's citations in the order of the answer's [1], [2], …, with details from the search results."""
    by_url = {
        result.get("url"): citation(result.get("url"), result.get("title"), result.get("snippet"))
        for result in objects_of(results)
        if isinstance(result.get("url"), str)
    }
    urls: list[Any] = citations if isinstance(citations, list) else []
    ordered = {url: by_url.get(url) or citation(url) for url in urls if isinstance(url, str)}
    return drop_duplicates([*ordered.values(), *by_url.values()])


def drop_duplicates(citations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the citations without empty ones and duplicates."""
    distinct: list[dict[str, Any]] = []
    seen: set[tuple[tuple[str, Any], ...]] = set()
    for fields in citations:
        key = tuple(sorted(fields.items()))
        if fields and key not in seen:
            seen.add(key)
            distinct.append(fields)
    return distinct


def _move(index: Any, offset: int) -> int | None:
    return index + offset if _is_index(index) else None


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
