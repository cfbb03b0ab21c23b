"""Tests parsing the trace headers and request ids that callers send."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.trace import (
    RequestContext,
    TraceContext,
    current_request,
    new_trace,
    on_behalf_of,
    parse_cloud_trace,
    parse_request_id,
    parse_traceparent,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


def traces() -> st.SearchStrategy[TraceContext]:
    return st.builds(
        TraceContext,
        hexadecimal(32).filter(lambda text: text.strip("0")),
        hexadecimal(16).filter(lambda text: text.strip("0")),
        st.booleans(),
    )


@given(traces())
def test_a_forwarded_trace_is_parsed_unchanged(trace: TraceContext) -> None:
    """Parsing a `traceparent` header that the service has formatted returns the same trace."""
    assert parse_traceparent(trace.traceparent) == trace


@given(traces(), st.integers(0, 255))
def test_only_the_first_flag_is_forwarded(trace: TraceContext, flags: int) -> None:
    """Only the flag for sampling is used. The other flags are dropped, because a later version may give them a
    meaning."""
    parsed = parse_traceparent(f"00-{trace.trace_id}-{trace.span_id}-{flags:02x}")
    assert parsed == TraceContext(trace.trace_id, trace.span_id, flags % 2 == 1)


@given(traces(), st.integers(1, 254), st.text(st.characters(codec="ascii")))
def test_the_known_part_of_a_later_version_is_parsed(trace: TraceContext, version: int, suffix: str) -> None:
    """In a header of a later version, additional fields after a hyphen are ignored, but the flags must have two
    digits."""
    assume("\n" not in suffix)
    later = f"{version:02x}{trace.traceparent[2:]}"
    assert parse_traceparent(later) == trace
    assert parse_traceparent(f"{later}-{suffix}x") == trace
    assert parse_traceparent(f"{later}0") is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE[:-1]}\u0663-{SPAN}-01",
    ],
)
def test_invalid_headers_are_ignored(value: str) -> None:
    """Headers that violate W3C's rules are ignored: wrong lengths, capitals, only zeros, other digits, version ff, or
    more fields in version 00."""
    assert parse_traceparent(value) is None


@given(st.text() | st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{30,34}-[0-9a-fA-F]{14,18}-[0-9a-fA-F]{1,3}(-x)?"))
@example("00--")
def test_a_parsed_header_can_be_forwarded(value: str) -> None:
    """Any string is either ignored or results in a header with the exact format. No exception is raised."""
    for parse in (parse_traceparent, parse_cloud_trace):
        trace = parse(value)
        if trace is not None:
            assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", trace.traceparent)
            assert parse_traceparent(trace.traceparent) == trace


@given(traces())
def test_googles_header_is_equivalent(trace: TraceContext) -> None:
    """Google's header contains the same information. Its span is a decimal number."""
    value = f"{trace.trace_id}/{int(trace.span_id, 16)};o={int(trace.sampled)}"
    assert parse_cloud_trace(value) == trace


@pytest.mark.parametrize("value", [TRACE, f"{TRACE}/0;o=1", f"{TRACE}/{1 << 64}"])
def test_googles_header_can_lack_a_span(value: str) -> None:
    """If Google's header has no span, a random one is created, so that the trace can be forwarded."""
    trace = parse_cloud_trace(value)
    assert trace is not None
    assert trace.trace_id == TRACE
    assert parse_traceparent(trace.traceparent) == trace


@pytest.mark.parametrize("value", ["", "/1;o=1", "0" * 32 + "/1", TRACE[:-1], f"{TRACE}/x", f"{TRACE}/1;o=1;p=2"])
def test_invalid_google_headers_are_ignored(value: str) -> None:
    """Malformed Google headers are ignored, as Cloud Trace ignores them."""
    assert parse_cloud_trace(value) is None


@given(st.text(max_size=200))
@example("a\n")
@example("\u0663")
@example("x" * 128)
@example("x" * 129)
def test_a_request_id_is_safe_in_any_context(value: str) -> None:
    """A request id has a limited length, and no character that could end a header, a string or a tag. Any other request
    id is ignored."""
    assert parse_request_id(value) == (value if re.fullmatch(r"[-A-Za-z0-9._]{1,128}\Z", value) else None)


def context(request_id: str) -> RequestContext:
    return RequestContext(request_id, new_trace(), "p", lambda: ("POST", "/"))


@given(traces())
def test_work_for_another_request_has_its_context(trace: TraceContext) -> None:
    """Within the block, the context is that of the other request. Afterwards, the original context applies again."""
    outer = context("here")
    token = current_request.set(outer)
    try:
        with on_behalf_of("there", trace.traceparent):
            inner = current_request.get()
        assert current_request.get() is outer
    finally:
        current_request.reset(token)
    assert inner is not None
    assert (inner.request_id, inner.trace, inner.project) == ("there", trace, "p")


@pytest.mark.parametrize(("request_id", "traceparent"), [(None, None), ("there", None), ("there", "00-x"), (None, "x")])
def test_work_for_an_unknown_request_does_not_change_the_context(
    request_id: str | None, traceparent: str | None
) -> None:
    """If the other request is unknown or its trace is invalid, the context does not change. Tickets of older
    deployments do not name their request."""
    outer = context("here")
    token = current_request.set(outer)
    try:
        with on_behalf_of(request_id, traceparent):
            assert current_request.get() is outer
    finally:
        current_request.reset(token)
