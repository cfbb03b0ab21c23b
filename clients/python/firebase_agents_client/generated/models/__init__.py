"""Contains all the data models used in inputs/outputs"""

from .accepted import Accepted
from .admin_change import AdminChange
from .admin_user import AdminUser
from .agent import Agent
from .agent_input_schema_type_0 import AgentInputSchemaType0
from .agent_output_schema_type_0 import AgentOutputSchemaType0
from .agent_tools import AgentTools
from .agent_visibility import AgentVisibility
from .allowance_reset_date import AllowanceResetDate
from .answer_request import AnswerRequest
from .basic_info import BasicInfo
from .billing_info import BillingInfo
from .built_in_tool import BuiltInTool
from .called_function import CalledFunction
from .chat_completion import ChatCompletion
from .chat_completion_request import ChatCompletionRequest
from .chat_completion_request_agent_input_type_0 import (
    ChatCompletionRequestAgentInputType0,
)
from .chat_completion_request_metadata import ChatCompletionRequestMetadata
from .chat_completion_request_prediction_type_0 import (
    ChatCompletionRequestPredictionType0,
)
from .chat_completion_request_prompt_cache_options_type_0 import (
    ChatCompletionRequestPromptCacheOptionsType0,
)
from .chat_completion_request_reasoning_effort_type_0 import (
    ChatCompletionRequestReasoningEffortType0,
)
from .chat_completion_request_response_format_type_0 import (
    ChatCompletionRequestResponseFormatType0,
)
from .chat_completion_request_service_tier_type_0 import (
    ChatCompletionRequestServiceTierType0,
)
from .chat_completion_request_tool_choice_type_1 import (
    ChatCompletionRequestToolChoiceType1,
)
from .chat_completion_request_tools_type_0_item import (
    ChatCompletionRequestToolsType0Item,
)
from .chat_completion_request_verbosity_type_0 import (
    ChatCompletionRequestVerbosityType0,
)
from .chat_message import ChatMessage
from .chat_message_annotations_type_0_item import ChatMessageAnnotationsType0Item
from .chat_message_content_type_1_item import ChatMessageContentType1Item
from .chat_message_role import ChatMessageRole
from .chat_request import ChatRequest
from .chat_request_parameters import ChatRequestParameters
from .chat_response import ChatResponse
from .chat_result import ChatResult
from .chat_tool_call import ChatToolCall
from .client_log import ClientLog
from .client_log_metadata_type_0 import ClientLogMetadataType0
from .code_warning import CodeWarning
from .completion_choice import CompletionChoice
from .completion_choice_finish_reason import CompletionChoiceFinishReason
from .completion_message import CompletionMessage
from .completion_message_annotations_item import CompletionMessageAnnotationsItem
from .completion_message_tool_calls_type_0_item import (
    CompletionMessageToolCallsType0Item,
)
from .completion_tokens_details import CompletionTokensDetails
from .completion_usage import CompletionUsage
from .create_agent_request import CreateAgentRequest
from .create_agent_request_input_schema_type_0 import CreateAgentRequestInputSchemaType0
from .create_agent_request_output_schema_type_0 import (
    CreateAgentRequestOutputSchemaType0,
)
from .create_agent_request_tools import CreateAgentRequestTools
from .create_agent_request_visibility import CreateAgentRequestVisibility
from .create_demo_request import CreateDemoRequest
from .create_demo_request_visibility import CreateDemoRequestVisibility
from .create_key_request import CreateKeyRequest
from .create_schedule_request import CreateScheduleRequest
from .create_schedule_request_input import CreateScheduleRequestInput
from .create_schedule_request_overlap import CreateScheduleRequestOverlap
from .create_webhook_request import CreateWebhookRequest
from .created_key import CreatedKey
from .created_webhook import CreatedWebhook
from .deleted_response import DeletedResponse
from .delta_event import DeltaEvent
from .demo import Demo
from .demo_code import DemoCode
from .demo_visibility import DemoVisibility
from .deploy_request import DeployRequest
from .deploy_request_access_type_0 import DeployRequestAccessType0
from .deploy_request_payer_type_0 import DeployRequestPayerType0
from .deployed import Deployed
from .deployed_access import DeployedAccess
from .deployed_api import DeployedApi
from .deployed_api_input_schema_type_0 import DeployedApiInputSchemaType0
from .deployed_api_output_schema_type_0 import DeployedApiOutputSchemaType0
from .deployed_payer import DeployedPayer
from .deployment_info import DeploymentInfo
from .deployment_info_access import DeploymentInfoAccess
from .deployment_info_payer import DeploymentInfoPayer
from .deployments_call_body import DeploymentsCallBody
from .error import Error
from .failed_code import FailedCode
from .failed_run import FailedRun
from .fetch_spec_request import FetchSpecRequest
from .fetched_spec import FetchedSpec
from .generate_code_request import GenerateCodeRequest
from .generate_code_request_input_schema_type_0 import (
    GenerateCodeRequestInputSchemaType0,
)
from .generate_code_request_output_schema_type_0 import (
    GenerateCodeRequestOutputSchemaType0,
)
from .generate_code_request_tools import GenerateCodeRequestTools
from .generate_code_response import GenerateCodeResponse
from .generate_demo_request import GenerateDemoRequest
from .generated_demo import GeneratedDemo
from .health import Health
from .heartbeat import Heartbeat
from .image_part import ImagePart
from .image_url import ImageUrl
from .image_url_detail_type_0 import ImageUrlDetailType0
from .input_items import InputItems
from .input_items_data_item import InputItemsDataItem
from .invalid import Invalid
from .key import Key
from .key_budget import KeyBudget
from .list_tools_request import ListToolsRequest
from .log_line import LogLine
from .logged import Logged
from .mcp_serve_body import McpServeBody
from .mcp_serve_response_200 import McpServeResponse200
from .mcp_serve_response_400 import McpServeResponse400
from .mcp_serve_response_404 import McpServeResponse404
from .mcp_tool import McpTool
from .mcp_tool_input_schema import McpToolInputSchema
from .message import Message
from .message_role import MessageRole
from .model_info import ModelInfo
from .model_info_parameters import ModelInfoParameters
from .monthly_allowance import MonthlyAllowance
from .open_ai_error import OpenAiError
from .open_ai_error_fields import OpenAiErrorFields
from .open_ai_model import OpenAiModel
from .open_ai_model_list import OpenAiModelList
from .open_ai_response import OpenAiResponse
from .open_ai_response_error_type_0 import OpenAiResponseErrorType0
from .open_ai_response_incomplete_details_type_0 import (
    OpenAiResponseIncompleteDetailsType0,
)
from .open_ai_response_metadata import OpenAiResponseMetadata
from .open_ai_response_output_item import OpenAiResponseOutputItem
from .open_ai_response_status import OpenAiResponseStatus
from .open_ai_response_usage_type_0 import OpenAiResponseUsageType0
from .openai_input_items_order import OpenaiInputItemsOrder
from .parameter_spec import ParameterSpec
from .parameter_spec_type import ParameterSpecType
from .period import Period
from .prices import Prices
from .problem import Problem
from .prompt_tokens_details import PromptTokensDetails
from .protected_resource import ProtectedResource
from .provider_config import ProviderConfig
from .provider_config_parameters import ProviderConfigParameters
from .provider_info import ProviderInfo
from .provider_info_models import ProviderInfoModels
from .providers_list_providers_response_200 import ProvidersListProvidersResponse200
from .reasoning_options import ReasoningOptions
from .reasoning_options_context_type_0 import ReasoningOptionsContextType0
from .reasoning_options_effort_type_0 import ReasoningOptionsEffortType0
from .reasoning_options_generate_summary_type_0 import (
    ReasoningOptionsGenerateSummaryType0,
)
from .reasoning_options_summary_type_0 import ReasoningOptionsSummaryType0
from .replace_demo_request import ReplaceDemoRequest
from .replace_demo_request_visibility import ReplaceDemoRequestVisibility
from .response_request import ResponseRequest
from .response_request_agent_input_type_0 import ResponseRequestAgentInputType0
from .response_request_client_metadata_type_0 import ResponseRequestClientMetadataType0
from .response_request_include_type_0_item import ResponseRequestIncludeType0Item
from .response_request_input_type_1_item import ResponseRequestInputType1Item
from .response_request_metadata import ResponseRequestMetadata
from .response_request_prompt_cache_options_type_0 import (
    ResponseRequestPromptCacheOptionsType0,
)
from .response_request_service_tier_type_0 import ResponseRequestServiceTierType0
from .response_request_tool_choice_type_1 import ResponseRequestToolChoiceType1
from .response_request_tools_type_0_item import ResponseRequestToolsType0Item
from .response_request_truncation_type_0 import ResponseRequestTruncationType0
from .rotated_secret import RotatedSecret
from .run import Run
from .run_code_request import RunCodeRequest
from .run_code_request_input_dict import RunCodeRequestInputDict
from .run_code_request_tools import RunCodeRequestTools
from .run_code_response import RunCodeResponse
from .run_input_type_0 import RunInputType0
from .run_question import RunQuestion
from .run_question_schema_type_0 import RunQuestionSchemaType0
from .schedule import Schedule
from .schedule_input import ScheduleInput
from .schedule_overlap import ScheduleOverlap
from .scope import Scope
from .selected_api import SelectedApi
from .selected_api_input_schema_type_0 import SelectedApiInputSchemaType0
from .selected_api_output_schema_type_0 import SelectedApiOutputSchemaType0
from .session_configured import SessionConfigured
from .session_deleted import SessionDeleted
from .spend_remaining import SpendRemaining
from .start_run_request import StartRunRequest
from .start_run_request_input import StartRunRequestInput
from .started_run import StartedRun
from .status_event import StatusEvent
from .step import Step
from .step_kind import StepKind
from .step_status import StepStatus
from .stream_options import StreamOptions
from .swagger_spec import SwaggerSpec
from .text_options import TextOptions
from .text_options_format_type_0 import TextOptionsFormatType0
from .text_options_verbosity_type_0 import TextOptionsVerbosityType0
from .text_part import TextPart
from .ticket_status import TicketStatus
from .tool_event import ToolEvent
from .tool_event_tool_calls_item import ToolEventToolCallsItem
from .tool_list import ToolList
from .unknown_outcome import UnknownOutcome
from .update_agent_request import UpdateAgentRequest
from .update_agent_request_input_schema_type_0 import UpdateAgentRequestInputSchemaType0
from .update_agent_request_output_schema_type_0 import (
    UpdateAgentRequestOutputSchemaType0,
)
from .update_agent_request_tools import UpdateAgentRequestTools
from .update_agent_request_visibility import UpdateAgentRequestVisibility
from .update_schedule_request import UpdateScheduleRequest
from .update_schedule_request_input import UpdateScheduleRequestInput
from .update_schedule_request_overlap import UpdateScheduleRequestOverlap
from .update_webhook_request import UpdateWebhookRequest
from .usage import Usage
from .usage_entry import UsageEntry
from .usage_entry_metadata import UsageEntryMetadata
from .usage_info import UsageInfo
from .usage_report import UsageReport
from .usage_report_metadata import UsageReportMetadata
from .user import User
from .webhook import Webhook
from .webhook_event import WebhookEvent

__all__ = (
    "Accepted",
    "AdminChange",
    "AdminUser",
    "Agent",
    "AgentInputSchemaType0",
    "AgentOutputSchemaType0",
    "AgentTools",
    "AgentVisibility",
    "AllowanceResetDate",
    "AnswerRequest",
    "BasicInfo",
    "BillingInfo",
    "BuiltInTool",
    "CalledFunction",
    "ChatCompletion",
    "ChatCompletionRequest",
    "ChatCompletionRequestAgentInputType0",
    "ChatCompletionRequestMetadata",
    "ChatCompletionRequestPredictionType0",
    "ChatCompletionRequestPromptCacheOptionsType0",
    "ChatCompletionRequestReasoningEffortType0",
    "ChatCompletionRequestResponseFormatType0",
    "ChatCompletionRequestServiceTierType0",
    "ChatCompletionRequestToolChoiceType1",
    "ChatCompletionRequestToolsType0Item",
    "ChatCompletionRequestVerbosityType0",
    "ChatMessage",
    "ChatMessageAnnotationsType0Item",
    "ChatMessageContentType1Item",
    "ChatMessageRole",
    "ChatRequest",
    "ChatRequestParameters",
    "ChatResponse",
    "ChatResult",
    "ChatToolCall",
    "ClientLog",
    "ClientLogMetadataType0",
    "CodeWarning",
    "CompletionChoice",
    "CompletionChoiceFinishReason",
    "CompletionMessage",
    "CompletionMessageAnnotationsItem",
    "CompletionMessageToolCallsType0Item",
    "CompletionTokensDetails",
    "CompletionUsage",
    "CreateAgentRequest",
    "CreateAgentRequestInputSchemaType0",
    "CreateAgentRequestOutputSchemaType0",
    "CreateAgentRequestTools",
    "CreateAgentRequestVisibility",
    "CreateDemoRequest",
    "CreateDemoRequestVisibility",
    "CreatedKey",
    "CreatedWebhook",
    "CreateKeyRequest",
    "CreateScheduleRequest",
    "CreateScheduleRequestInput",
    "CreateScheduleRequestOverlap",
    "CreateWebhookRequest",
    "DeletedResponse",
    "DeltaEvent",
    "Demo",
    "DemoCode",
    "DemoVisibility",
    "Deployed",
    "DeployedAccess",
    "DeployedApi",
    "DeployedApiInputSchemaType0",
    "DeployedApiOutputSchemaType0",
    "DeployedPayer",
    "DeploymentInfo",
    "DeploymentInfoAccess",
    "DeploymentInfoPayer",
    "DeploymentsCallBody",
    "DeployRequest",
    "DeployRequestAccessType0",
    "DeployRequestPayerType0",
    "Error",
    "FailedCode",
    "FailedRun",
    "FetchedSpec",
    "FetchSpecRequest",
    "GenerateCodeRequest",
    "GenerateCodeRequestInputSchemaType0",
    "GenerateCodeRequestOutputSchemaType0",
    "GenerateCodeRequestTools",
    "GenerateCodeResponse",
    "GeneratedDemo",
    "GenerateDemoRequest",
    "Health",
    "Heartbeat",
    "ImagePart",
    "ImageUrl",
    "ImageUrlDetailType0",
    "InputItems",
    "InputItemsDataItem",
    "Invalid",
    "Key",
    "KeyBudget",
    "ListToolsRequest",
    "Logged",
    "LogLine",
    "McpServeBody",
    "McpServeResponse200",
    "McpServeResponse400",
    "McpServeResponse404",
    "McpTool",
    "McpToolInputSchema",
    "Message",
    "MessageRole",
    "ModelInfo",
    "ModelInfoParameters",
    "MonthlyAllowance",
    "OpenAiError",
    "OpenAiErrorFields",
    "OpenaiInputItemsOrder",
    "OpenAiModel",
    "OpenAiModelList",
    "OpenAiResponse",
    "OpenAiResponseErrorType0",
    "OpenAiResponseIncompleteDetailsType0",
    "OpenAiResponseMetadata",
    "OpenAiResponseOutputItem",
    "OpenAiResponseStatus",
    "OpenAiResponseUsageType0",
    "ParameterSpec",
    "ParameterSpecType",
    "Period",
    "Prices",
    "Problem",
    "PromptTokensDetails",
    "ProtectedResource",
    "ProviderConfig",
    "ProviderConfigParameters",
    "ProviderInfo",
    "ProviderInfoModels",
    "ProvidersListProvidersResponse200",
    "ReasoningOptions",
    "ReasoningOptionsContextType0",
    "ReasoningOptionsEffortType0",
    "ReasoningOptionsGenerateSummaryType0",
    "ReasoningOptionsSummaryType0",
    "ReplaceDemoRequest",
    "ReplaceDemoRequestVisibility",
    "ResponseRequest",
    "ResponseRequestAgentInputType0",
    "ResponseRequestClientMetadataType0",
    "ResponseRequestIncludeType0Item",
    "ResponseRequestInputType1Item",
    "ResponseRequestMetadata",
    "ResponseRequestPromptCacheOptionsType0",
    "ResponseRequestServiceTierType0",
    "ResponseRequestToolChoiceType1",
    "ResponseRequestToolsType0Item",
    "ResponseRequestTruncationType0",
    "RotatedSecret",
    "Run",
    "RunCodeRequest",
    "RunCodeRequestInputDict",
    "RunCodeRequestTools",
    "RunCodeResponse",
    "RunInputType0",
    "RunQuestion",
    "RunQuestionSchemaType0",
    "Schedule",
    "ScheduleInput",
    "ScheduleOverlap",
    "Scope",
    "SelectedApi",
    "SelectedApiInputSchemaType0",
    "SelectedApiOutputSchemaType0",
    "SessionConfigured",
    "SessionDeleted",
    "SpendRemaining",
    "StartedRun",
    "StartRunRequest",
    "StartRunRequestInput",
    "StatusEvent",
    "Step",
    "StepKind",
    "StepStatus",
    "StreamOptions",
    "SwaggerSpec",
    "TextOptions",
    "TextOptionsFormatType0",
    "TextOptionsVerbosityType0",
    "TextPart",
    "TicketStatus",
    "ToolEvent",
    "ToolEventToolCallsItem",
    "ToolList",
    "UnknownOutcome",
    "UpdateAgentRequest",
    "UpdateAgentRequestInputSchemaType0",
    "UpdateAgentRequestOutputSchemaType0",
    "UpdateAgentRequestTools",
    "UpdateAgentRequestVisibility",
    "UpdateScheduleRequest",
    "UpdateScheduleRequestInput",
    "UpdateScheduleRequestOverlap",
    "UpdateWebhookRequest",
    "Usage",
    "UsageEntry",
    "UsageEntryMetadata",
    "UsageInfo",
    "UsageReport",
    "UsageReportMetadata",
    "User",
    "Webhook",
    "WebhookEvent",
)
