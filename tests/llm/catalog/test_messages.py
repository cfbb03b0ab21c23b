"""Which conversations models accept, and which messages are sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.catalog import Catalog, InvalidMessages, ModelRoute, check_call
from shared.models.chat import Message, text_of
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)
ROUTES = [
    CATALOG.route(slug, model) for slug, provider in CATALOG.list_providers().items() for model in provider.models
]
BY_PROVIDER = {route.provider: route for route in ROUTES}
EVERY_PROVIDER = pytest.mark.parametrize("provider", BY_PROVIDER)


def messages(*turns: tuple[str, str]) -> list[Message]:
    return [Message.model_validate({"role": role, "content": content}) for role, content in turns]


def check(provider: str, model: str, *turns: tuple[str, str]) -> list[tuple[str, str]]:
    call = check_call(CATALOG.route(provider, model), {}, [], messages(*turns))
    return [(message["role"], message["content"]) for message in call.messages]


@EVERY_PROVIDER
@pytest.mark.parametrize("text", ["", " ", " \n", "\t\u3000"])
def test_an_empty_last_message_is_refused(provider: str, text: str):
    """An empty last message of any role is refused, because there is nothing to answer."""
    route = BY_PROVIDER[provider]
    for turns in ([("user", text)], [("user", "Hi."), ("assistant", "Hello."), ("user", text)], [("system", text)]):
        with pytest.raises(InvalidMessages, match="The last message has no text"):
            check_call(route, {}, [], messages(*turns))


@EVERY_PROVIDER
@pytest.mark.parametrize("text", ["", " ", " \n"])
def test_empty_messages_in_the_history_are_omitted(provider: str, text: str):
    """An empty earlier message is omitted, because the provider would otherwise refuse the chat forever."""
    route = BY_PROVIDER[provider]
    turns = [("system", text), ("user", "Hi."), ("assistant", text), ("user", "Well?")]
    call = check_call(route, {}, [], messages(*turns))
    assert " ".join(message["content"] for message in call.messages).split() == ["Hi.", "Well?"]


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-haiku-4-5"),
        ("bedrock", "us.amazon.nova-pro-v1:0"),
        ("gemini", "gemini-2.5-flash"),
        ("perplexity", "sonar"),
        ("openrouter", "anthropic/claude-sonnet-5"),
    ],
)
def test_some_providers_require_a_user_message(provider: str, model: str):
    """These providers refuse chats with only system messages, and chats that begin with an answer."""
    with pytest.raises(InvalidMessages, match="in addition to system messages"):
        check(provider, model, ("system", "Be brief."))
    with pytest.raises(InvalidMessages, match="the first message must be the user's"):
        check(provider, model, ("system", "Be brief."), ("assistant", "Hello."), ("user", "Hi."))


def test_other_providers_require_no_user_message():
    """OpenAI accepts chats with only system messages, and chats that begin with an answer."""
    assert check("openai", "gpt-4.1", ("system", "Greet.")) == [("system", "Greet.")]
    assert len(check("openai", "gpt-4.1", ("assistant", "Hello."), ("user", "Hi."))) == 2


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-6"),
        ("bedrock", "global.anthropic.claude-opus-5-5"),
        ("bedrock", "mistral.mistral-large-3-675b-instruct"),
        ("gemini", "gemini-3.8-flash"),
        ("openrouter", "anthropic/claude-sonnet-5"),
        ("perplexity", "sonar"),
    ],
)
def test_an_incomplete_answer_is_refused_by_models_that_cannot_continue_it(provider: str, model: str):
    """An incomplete answer is refused even before a system message, because system messages are sent first."""
    incomplete = [("user", "Hi."), ("assistant", "Hel")]
    for turns in (incomplete, [*incomplete, ("system", "Be brief.")]):
        with pytest.raises(InvalidMessages, match="the last message must be the user's"):
            check(provider, model, *turns)


@pytest.mark.parametrize(
    ("provider", "model", "end"),
    [
        ("anthropic", "claude-haiku-4-5", "b"),
        ("bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", "b"),
        ("openrouter", "anthropic/claude-haiku-4.5", "b"),
        ("gemini", "gemini-2.5-flash", "b \n"),
        ("openai", "gpt-4.1", "b \n"),
    ],
)
def test_white_space_after_an_incomplete_answer_is_removed_for_claude(provider: str, model: str, end: str):
    """White space at the end of an incomplete answer is removed for Claude, which refuses it, but not elsewhere."""
    assert check(provider, model, ("user", "a "), ("assistant", "b \n")) == [("user", "a "), ("assistant", end)]


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "gemini", "perplexity"])
def test_system_messages_come_first_if_required(provider: str):
    """System messages come first in their original order. In the middle, litellm would rewrite them."""
    turns = [("system", "S1"), ("user", "U1"), ("assistant", "A1"), ("system", "S2"), ("user", "U2")]
    call = check_call(BY_PROVIDER[provider], {}, [], messages(*turns))
    assert " ".join(message["content"] for message in call.messages).split() == ["S1", "S2", "U1", "A1", "U2"]
    assert check("openai", "gpt-4.1", *turns) == turns


def test_adjacent_messages_are_joined_if_roles_must_alternate():
    """Adjacent messages are joined with an empty line for Perplexity. Other providers get them unchanged."""
    turns = [("user", "U1"), ("user", "U2"), ("assistant", "A"), ("user", "U3")]
    assert check("perplexity", "sonar", *turns) == [("user", "U1\n\nU2"), ("assistant", "A"), ("user", "U3")]
    assert check("openai", "gpt-4.1", *turns) == turns


texts = st.text(alphabet=" \n\tab", max_size=4)
turns = st.tuples(st.sampled_from(["user", "assistant", "system"]), texts)


@given(st.sampled_from(ROUTES), st.lists(turns, min_size=1, max_size=6))
def test_only_the_callers_text_is_sent(route: ModelRoute, given_turns: list[tuple[str, str]]):
    """A conversation is refused, or sent with exactly the caller's text and without empty messages."""
    conversation = messages(*given_turns)
    try:
        call = check_call(route, {}, [], conversation)
    except InvalidMessages:
        return
    assert all(message["content"].strip() for message in call.messages)
    words = [word for message in call.messages for word in message["content"].split()]
    assert sorted(words) == sorted(word for message in conversation for word in text_of(message.content).split())
