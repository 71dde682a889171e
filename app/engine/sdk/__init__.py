"""All that the author of a node type imports."""

from app.engine.sdk.context import (
    AgentResult,
    AgentSpec,
    Answer,
    CodeResult,
    HttpReply,
    HttpRequest,
    Json,
    KeyValue,
    NodeContext,
    Question,
)
from app.engine.sdk.messages import Completion, Message, ToolCall, ToolSpec, Usage
from app.engine.sdk.node import Example, NodeConfig, NodeType, Port, Ports, Result, field, node
from app.kernel.errors import (
    CodeFailed,
    ExpressionError,
    InvalidInput,
    OutputInvalid,
    StepError,
    UpstreamFailed,
    UpstreamRefused,
)

__all__ = [
    "AgentResult",
    "AgentSpec",
    "Answer",
    "CodeFailed",
    "CodeResult",
    "Completion",
    "Example",
    "ExpressionError",
    "HttpReply",
    "HttpRequest",
    "InvalidInput",
    "Json",
    "KeyValue",
    "Message",
    "NodeConfig",
    "NodeContext",
    "NodeType",
    "OutputInvalid",
    "Port",
    "Ports",
    "Question",
    "Result",
    "StepError",
    "ToolCall",
    "ToolSpec",
    "UpstreamFailed",
    "UpstreamRefused",
    "Usage",
    "field",
    "node",
]
