"""Trace headers and request ids, as they come from anybody."""

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
def test_what_is_handed_on_is_read_as_it_was(trace: TraceContext) -> None:
    """Trace, span and whether it is recorded."""
    assert parse_traceparent(trace.traceparent) == trace


@given(traces(), st.integers(0, 255))
def test_only_the_first_flag_is_known(trace: TraceContext, flags: int) -> None:
    """The others may mean something one day, and are not handed on."""
    read = parse_traceparent(f"00-{trace.trace_id}-{trace.span_id}-{flags:02x}")
    assert read == TraceContext(trace.trace_id, trace.span_id, flags % 2 == 1)


@given(traces(), st.integers(1, 254), st.text(st.characters(codec="ascii")))
def test_a_later_version_is_read_as_far_as_it_is_known(trace: TraceContext, version: int, more: str) -> None:
    """Whatever stands behind the flags and another hyphen; but not what is glued to the flags."""
    assume("\n" not in more)
    later = f"{version:02x}{trace.traceparent[2:]}"
    assert parse_traceparent(later) == trace
    assert parse_traceparent(f"{later}-{more}x") == trace
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
def test_what_w3c_calls_invalid_is_ignored(value: str) -> None:
    """Lengths, cases, zeros, digits that are not ours, version ff, and more than version 00 has."""
    assert parse_traceparent(value) is None


@given(st.text() | st.from_regex(r"[0-9a-fA-F]{2}-[0-9a-fA-F]{30,34}-[0-9a-fA-F]{14,18}-[0-9a-fA-F]{1,3}(-x)?"))
@example("00--")
def test_whatever_is_read_can_be_handed_on(value: str) -> None:
    """Anything is valid, and then of the exact form, or ignored; nothing raises."""
    for parse in (parse_traceparent, parse_cloud_trace):
        trace = parse(value)
        if trace is not None:
            assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", trace.traceparent)
            assert parse_traceparent(trace.traceparent) == trace


@given(traces())
def test_googles_header_tells_the_same(trace: TraceContext) -> None:
    """The span as a decimal number."""
    value = f"{trace.trace_id}/{int(trace.span_id, 16)};o={int(trace.sampled)}"
    assert parse_cloud_trace(value) == trace


@pytest.mark.parametrize("value", [TRACE, f"{TRACE}/0;o=1", f"{TRACE}/{1 << 64}"])
def test_googles_header_may_lack_a_span(value: str) -> None:
    """One is made up, so that it can be handed on."""
    trace = parse_cloud_trace(value)
    assert trace is not None
    assert trace.trace_id == TRACE
    assert parse_traceparent(trace.traceparent) == trace


@pytest.mark.parametrize("value", ["", "/1;o=1", "0" * 32 + "/1", TRACE[:-1], f"{TRACE}/x", f"{TRACE}/1;o=1;p=2"])
def test_what_google_does_not_send_is_ignored(value: str) -> None:
    """As it would be by Cloud Trace."""
    assert parse_cloud_trace(value) is None


@given(st.text(max_size=200))
@example("a\n")
@example("\u0663")
@example("x" * 128)
@example("x" * 129)
def test_a_sane_id_is_harmless_wherever_it_goes(value: str) -> None:
    """Bounded, and nothing in it that ends a header, a string or a tag; any other is ignored."""
    assert parse_request_id(value) == (value if re.fullmatch(r"[-A-Za-z0-9._]{1,128}\Z", value) else None)


def context(request_id: str) -> RequestContext:
    return RequestContext(request_id, new_trace(), "p", lambda: ("POST", "/"))


@given(traces())
def test_work_for_another_request_is_told_as_its(trace: TraceContext) -> None:
    """Within, and no longer."""
    here = context("here")
    token = current_request.set(here)
    try:
        with on_behalf_of("there", trace.traceparent):
            there = current_request.get()
        assert current_request.get() is here
    finally:
        current_request.reset(token)
    assert there is not None
    assert (there.request_id, there.trace, there.project) == ("there", trace, "p")


@pytest.mark.parametrize(("request_id", "traceparent"), [(None, None), ("there", None), ("there", "00-x"), (None, "x")])
def test_work_for_an_unknown_request_stays_with_this_one(request_id: str | None, traceparent: str | None) -> None:
    """Tickets of older deployments do not tell whose they are."""
    here = context("here")
    token = current_request.set(here)
    try:
        with on_behalf_of(request_id, traceparent):
            assert current_request.get() is here
    finally:
        current_request.reset(token)
