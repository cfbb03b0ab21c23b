from typing import Literal

ResponseRequestIncludeType0Item = Literal[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
]

RESPONSE_REQUEST_INCLUDE_TYPE_0_ITEM_VALUES: set[ResponseRequestIncludeType0Item] = {
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
}


def check_response_request_include_type_0_item(value: str) -> ResponseRequestIncludeType0Item:
    if value in RESPONSE_REQUEST_INCLUDE_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RESPONSE_REQUEST_INCLUDE_TYPE_0_ITEM_VALUES!r}")
