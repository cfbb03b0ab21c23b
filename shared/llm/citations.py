"""The sources of an answer, in one shape for all providers.

A citation is a JSON object with those of the following fields that the provider supplies: `url`; `title`; `cited_text`,
the text of the source; `start_index` and `end_index`, the range of characters in the answer's content that it supports;
`file_id`, for a file instead of a page.
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
    """The citations in annotations of OpenAI's two interfaces or OpenRouter.

    `offset`: the position of the annotated text in the content.
    """
    found: list[dict[str, Any]] = []
    for annotation in objects_of(annotations):
        inner = object_of(annotation.get("url_citation")) or object_of(annotation.get("file_citation"))
        fields = {**annotation, **inner}
        start, end = (_move(fields.get(name), offset) for name in ("start_index", "end_index"))
        title = fields.get("title") or fields.get("filename")
        cited_text = text_of(fields.get("content")) or fields.get("quote")
        found.append(citation(fields.get("url"), title, cited_text, (start, end), fields.get("file_id")))
    return [one for one in found if one.keys() & {"url", "file_id"}]


def from_search_results(citations: Any, results: Any) -> list[dict[str, Any]]:
    """Perplexity's citations: addresses in the order of the answer's [1], [2], …, with the search results for them."""
    by_url = {
        result.get("url"): citation(result.get("url"), result.get("title"), result.get("snippet"))
        for result in objects_of(results)
        if isinstance(result.get("url"), str)
    }
    urls: list[Any] = citations if isinstance(citations, list) else []
    ordered = {url: by_url.get(url) or citation(url) for url in urls if isinstance(url, str)}
    return drop_duplicates([*ordered.values(), *by_url.values()])


def drop_duplicates(citations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The citations without empty ones and repetitions."""
    found: list[dict[str, Any]] = []
    seen: set[tuple[tuple[str, Any], ...]] = set()
    for fields in citations:
        key = tuple(sorted(fields.items()))
        if fields and key not in seen:
            seen.add(key)
            found.append(fields)
    return found


def _move(index: Any, offset: int) -> int | None:
    return index + offset if _is_index(index) else None


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
