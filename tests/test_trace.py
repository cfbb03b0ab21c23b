"""Trace headers and request ids, as any caller may send them."""

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
    """The header contains the trace, the span and whether it is recorded."""
    assert parse_traceparent(trace.traceparent) == trace


@given(traces(), st.integers(0, 255))
def test_only_the_first_flag_is_forwarded(trace: TraceContext, flags: int) -> None:
    """The other flags may get a meaning in a later version, and are dropped."""
    parsed = parse_traceparent(f"00-{trace.trace_id}-{trace.span_id}-{flags:02x}")
    assert parsed == TraceContext(trace.trace_id, trace.span_id, flags % 2 == 1)


@given(traces(), st.integers(1, 254), st.text(st.characters(codec="ascii")))
def test_the_known_part_of_a_later_version_is_parsed(trace: TraceContext, version: int, suffix: str) -> None:
    """Additional fields after a hyphen are ignored, but the flags must have two digits."""
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
    """W3C's rules exclude wrong lengths, capitals, zeros, other digits, version ff, and more fields in version 00."""
    assert parse_traceparent(value) is None


@given(st.text() | st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{30,34}-[0-9a-fA-F]{14,18}-[0-9a-fA-F]{1,3}(-x)?"))
@example("00--")
def test_a_parsed_header_can_be_forwarded(value: str) -> None:
    """Any text is either ignored or results in a header in the exact format. No exception is raised."""
    for parse in (parse_traceparent, parse_cloud_trace):
        trace = parse(value)
        if trace is not None:
            assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", trace.traceparent)
            assert parse_traceparent(trace.traceparent) == trace


@given(traces())
def test_googles_header_is_equivalent(trace: TraceContext) -> None:
    """The span is a decimal number."""
    value = f"{trace.trace_id}/{int(trace.span_id, 16)};o={int(trace.sampled)}"
    assert parse_cloud_trace(value) == trace


@pytest.mark.parametrize("value", [TRACE, f"{TRACE}/0;o=1", f"{TRACE}/{1 << 64}"])
def test_googles_header_may_lack_a_span(value: str) -> None:
    """A random span is created, so that the trace can be forwarded."""
    trace = parse_cloud_trace(value)
    assert trace is not None
    assert trace.trace_id == TRACE
    assert parse_traceparent(trace.traceparent) == trace


@pytest.mark.parametrize("value", ["", "/1;o=1", "0" * 32 + "/1", TRACE[:-1], f"{TRACE}/x", f"{TRACE}/1;o=1;p=2"])
def test_invalid_google_headers_are_ignored(value: str) -> None:
    """Cloud Trace ignores such headers, too."""
    assert parse_cloud_trace(value) is None


@given(st.text(max_size=200))
@example("a\n")
@example("\u0663")
@example("x" * 128)
@example("x" * 129)
def test_a_request_id_is_safe_in_any_context(value: str) -> None:
    """An id is limited in length, and cannot end a header, a string or a tag; any other is ignored."""
    assert parse_request_id(value) == (value if re.fullmatch(r"[-A-Za-z0-9._]{1,128}\Z", value) else None)


def context(request_id: str) -> RequestContext:
    return RequestContext(request_id, new_trace(), "p", lambda: ("POST", "/"))


@given(traces())
def test_work_for_another_request_has_its_context(trace: TraceContext) -> None:
    """The other request's context applies only within the block."""
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
def test_work_for_an_unknown_request_keeps_the_context(request_id: str | None, traceparent: str | None) -> None:
    """Tickets of older deployments do not name their request."""
    outer = context("here")
    token = current_request.set(outer)
    try:
        with on_behalf_of(request_id, traceparent):
            assert current_request.get() is outer
    finally:
        current_request.reset(token)
