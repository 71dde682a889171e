"""The agent loop: LangChain's agent, a LangGraph graph, over our model calls and a node's tools.

LangChain is imported when the first agent runs, in a thread: it takes a second and 70 MB.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.engine.runtime.answers import parse_answer
from app.engine.runtime.shapes import shape_of
from app.engine.sdk import (
    AgentResult,
    AgentSpec,
    Completion,
    Json,
    Message,
    NodeContext,
    OutputInvalid,
    ToolCall,
    ToolSpec,
    Usage,
)
from app.engine.sdk.text import as_text
from app.kernel.errors import AppError, BudgetExceeded, StorageDown

MAX_BAD_CALLS = 3
_LAST_TURN = "Answer now with what you know, without calling a tool."
_AS_JSON = "Give your final answer as JSON of the asked shape, without any other text."

Talk = Callable[[Sequence[Any]], Awaitable[Any]]


async def converse(context: NodeContext, spec: AgentSpec) -> AgentResult:
    """Let the model converse and call tools until it answers.

    Raises:
        OutputInvalid: It kept calling tools wrongly, or reached no answer within its turns.
    """
    create_agent, bridge = await asyncio.to_thread(_langchain)
    conversation = _Conversation(context, spec)
    agent = create_agent(
        model=bridge(talk=conversation.talk),
        tools=[_langchain_tool(tool, conversation.use) for tool in context.tools],
        system_prompt=spec.instructions,
    )
    history = [_to_langchain(message) for message in spec.messages]
    config: Any = {"recursion_limit": 4 * spec.max_turns + 10, "callbacks": []}
    start: Any = {"messages": history}
    ended = await agent.ainvoke(start, config)
    messages = tuple(_from_langchain(message) for message in ended["messages"])
    return await conversation.result(messages)


class _Conversation:
    """The usage of one conversation, and its two sides: the model and the tools."""

    def __init__(self, context: NodeContext, spec: AgentSpec) -> None:
        self._context = context
        self._spec = spec
        self._turns = 0
        self._bad_calls = 0
        self._was_cut = False
        self._usage = Usage()
        self._called: list[str] = []

    async def talk(self, messages: Sequence[Any]) -> Any:  # noqa: ANN401 - langchain's message type
        """Give the model its turn; in the last one it must answer."""
        self._turns += 1
        said = [_from_langchain(message) for message in messages]
        last = self._turns >= self._spec.max_turns and bool(self._called)
        if last:
            said.append(Message(role="user", text=_LAST_TURN))
        completion = await self._context.complete(
            said,
            model=self._spec.model,
            tools=self._context.tools,
            max_tokens=self._spec.max_tokens,
            name=f"turn {self._turns}",
        )
        self._usage += completion.usage
        self._was_cut = completion.finish_reason == "length"
        if self._turns >= self._spec.max_turns and completion.tool_calls:
            if not completion.text.strip():
                raise OutputInvalid(
                    f"The agent came to no answer in its {self._turns} turns. Allow it more turns."
                )
            completion = completion.model_copy(update={"tool_calls": ()})
        self._count_unknown(completion)
        return _to_langchain(
            Message(role="assistant", text=completion.text, tool_calls=completion.tool_calls)
        )

    async def use(self, tool: ToolSpec, arguments: Mapping[str, Json], broken: str) -> str:
        """Call a tool; its result is text, and a failure is returned to the model, a few times.

        Args:
            broken: What the model wrote instead of arguments.
        """
        if broken:
            return self._bad(f"The arguments of '{tool.name}' are no JSON object: {broken[:200]}")
        arguments = _as_declared(tool, arguments)
        try:
            misfit = shape_of(tool.parameters).misfit(arguments)
            if misfit is not None:
                return self._bad(
                    f"The arguments of '{tool.name}' do not fit: {misfit.message[:200]}"
                )
            result = await self._context.call(tool.name, arguments)
        except (BudgetExceeded, StorageDown):
            raise
        except AppError as error:
            return self._bad(f"'{tool.name}' failed: {error.message}")
        self._called.append(tool.name)
        return as_text(result)

    async def result(self, messages: tuple[Message, ...]) -> AgentResult:
        """Read the last message; if it lacks the requested shape, ask once more."""
        text = messages[-1].text if messages else ""
        data: Json = None
        if self._spec.schema_ is not None:
            try:
                if self._was_cut:
                    raise OutputInvalid("The answer was cut off.")
                data = parse_answer(text, self._spec.schema_)
            except OutputInvalid:
                text, data = await self._as_json(messages)
        return AgentResult(
            text=text,
            data=data,
            messages=messages,
            usage=self._usage,
            tools_called=tuple(self._called),
        )

    async def _as_json(self, messages: tuple[Message, ...]) -> tuple[str, Json]:
        asked = [
            Message(role="system", text=self._spec.instructions),
            *messages,
            Message(role="user", text=_AS_JSON),
        ]
        completion = await self._context.complete(
            asked,
            model=self._spec.model,
            schema=self._spec.schema_,
            max_tokens=self._spec.max_tokens,
            stream=False,
            name="answer as JSON",
        )
        self._usage += completion.usage
        return completion.text, completion.data

    def _count_unknown(self, completion: Completion) -> None:
        """Count calls of tools that do not exist; LangGraph answers them."""
        known = {tool.name for tool in self._context.tools}
        for call in completion.tool_calls:
            if call.name not in known:
                self._bad(f"There is no tool '{call.name}'")

    def _bad(self, fault: str) -> str:
        self._bad_calls += 1
        self._context.log(fault)
        if self._bad_calls > MAX_BAD_CALLS:
            raise OutputInvalid(
                f"The agent's tool calls failed {self._bad_calls} times. The last fault: {fault}."
            )
        return f"Error: {fault}. Mend the call, or answer without it."


@lru_cache(maxsize=1)
def _langchain() -> tuple[Any, Any]:
    """Import LangChain; return its `create_agent` and our class that it accepts as a chat model."""
    from langchain.agents import create_agent  # noqa: PLC0415 - heavy
    from langchain_core.language_models import BaseChatModel  # noqa: PLC0415 - heavy
    from langchain_core.outputs import ChatGeneration, ChatResult  # noqa: PLC0415 - heavy

    class Bridge(BaseChatModel):
        """A chat model whose turns are our model calls."""

        talk: Talk

        @property
        def _llm_type(self) -> str:
            return "agentloom"

        def bind_tools(self, tools: Any, **kwargs: Any) -> "Bridge":  # noqa: ANN401 - langchain's signature
            """Return itself: the conversation knows its tools."""
            return self

        def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:  # noqa: ANN401 - langchain's signature
            raise NotImplementedError("agents run asynchronously")

        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:  # noqa: ANN401
            return ChatResult(generations=[ChatGeneration(message=await self.talk(messages))])

    return create_agent, Bridge


def _langchain_tool(
    tool: ToolSpec, use: Callable[[ToolSpec, Mapping[str, Json], str], Awaitable[str]]
) -> Any:  # noqa: ANN401
    from langchain_core.tools import StructuredTool  # noqa: PLC0415 - heavy

    async def call(arguments: Mapping[str, Json], broken: str) -> str:
        return await use(tool, arguments, broken)

    return StructuredTool.from_function(
        coroutine=call,
        name=tool.name,
        description=tool.description or tool.name,
        args_schema={"type": "object", "properties": {}},  # the conversation checks them
        infer_schema=False,
    )


def _as_declared(tool: ToolSpec, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Convert values to text where text is declared: models tend to give a number as a number."""
    texts = {
        n for n, p in tool.parameters.get("properties", {}).items() if p.get("type") == "string"
    }
    return {name: as_text(value) if name in texts else value for name, value in arguments.items()}


def _to_langchain(message: Message) -> Any:  # noqa: ANN401 - langchain's message type
    from langchain_core.messages import (  # noqa: PLC0415 - heavy
        AIMessage,
        HumanMessage,
        SystemMessage,
        ToolMessage,
    )

    if message.role == "tool":
        return ToolMessage(message.text, tool_call_id=message.tool_call_id)
    if message.role == "assistant":
        calls = [
            {
                "id": c.id,
                "name": c.name,
                "args": {"arguments": dict(c.arguments), "broken": c.broken},
            }
            for c in message.tool_calls
        ]
        return AIMessage(message.text, tool_calls=calls)
    return SystemMessage(message.text) if message.role == "system" else HumanMessage(message.text)


_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}


def _from_langchain(message: Any) -> Message:  # noqa: ANN401 - langchain's message type
    calls = tuple(
        ToolCall(id=call["id"] or "", name=call["name"], **call["args"])
        for call in getattr(message, "tool_calls", ())
    )
    return Message(
        role=_ROLES[message.type],
        text=str(message.text),
        tool_calls=calls,
        tool_call_id=getattr(message, "tool_call_id", ""),
    )
