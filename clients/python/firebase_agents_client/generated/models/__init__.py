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
from .chat_request import ChatRequest
from .chat_request_parameters import ChatRequestParameters
from .chat_response import ChatResponse
from .chat_result import ChatResult
from .client_log import ClientLog
from .client_log_metadata_type_0 import ClientLogMetadataType0
from .code_warning import CodeWarning
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
from .delta_event import DeltaEvent
from .demo import Demo
from .demo_code import DemoCode
from .demo_visibility import DemoVisibility
from .deploy_request import DeployRequest
from .deployed import Deployed
from .deployed_api import DeployedApi
from .deployed_api_input_schema_type_0 import DeployedApiInputSchemaType0
from .deployed_api_output_schema_type_0 import DeployedApiOutputSchemaType0
from .deployment_info import DeploymentInfo
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
from .invalid import Invalid
from .key import Key
from .key_budget import KeyBudget
from .list_tools_request import ListToolsRequest
from .log_line import LogLine
from .logged import Logged
from .mcp_tool import McpTool
from .mcp_tool_input_schema import McpToolInputSchema
from .message import Message
from .message_role import MessageRole
from .model_info import ModelInfo
from .model_info_parameters import ModelInfoParameters
from .monthly_allowance import MonthlyAllowance
from .parameter_spec import ParameterSpec
from .parameter_spec_type import ParameterSpecType
from .period import Period
from .prices import Prices
from .problem import Problem
from .provider_config import ProviderConfig
from .provider_config_parameters import ProviderConfigParameters
from .provider_info import ProviderInfo
from .provider_info_models import ProviderInfoModels
from .providers_list_providers_response_200 import ProvidersListProvidersResponse200
from .replace_demo_request import ReplaceDemoRequest
from .replace_demo_request_visibility import ReplaceDemoRequestVisibility
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
from .swagger_spec import SwaggerSpec
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
    "ChatRequest",
    "ChatRequestParameters",
    "ChatResponse",
    "ChatResult",
    "ClientLog",
    "ClientLogMetadataType0",
    "CodeWarning",
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
    "DeltaEvent",
    "Demo",
    "DemoCode",
    "DemoVisibility",
    "Deployed",
    "DeployedApi",
    "DeployedApiInputSchemaType0",
    "DeployedApiOutputSchemaType0",
    "DeploymentInfo",
    "DeploymentsCallBody",
    "DeployRequest",
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
    "Invalid",
    "Key",
    "KeyBudget",
    "ListToolsRequest",
    "Logged",
    "LogLine",
    "McpTool",
    "McpToolInputSchema",
    "Message",
    "MessageRole",
    "ModelInfo",
    "ModelInfoParameters",
    "MonthlyAllowance",
    "ParameterSpec",
    "ParameterSpecType",
    "Period",
    "Prices",
    "Problem",
    "ProviderConfig",
    "ProviderConfigParameters",
    "ProviderInfo",
    "ProviderInfoModels",
    "ProvidersListProvidersResponse200",
    "ReplaceDemoRequest",
    "ReplaceDemoRequestVisibility",
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
    "SwaggerSpec",
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
