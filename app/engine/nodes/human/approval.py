"""Wait until a person approves or rejects.

The run stops here, for minutes or days, without using anything. The person sees the title, the
message and the value under review, and decides in the run, in the approvals list or by API. With
"May be edited" they can change the value first. It goes on through `approved` or `rejected`; their
comment is in `{{ nodes.<id>.comment }}`.
"""

from typing import Any

from app.engine.sdk import (
    Answer,
    Example,
    ExpressionError,
    NodeConfig,
    NodeContext,
    Ports,
    Question,
    Result,
    Text,
    field,
    node,
    port,
)


class Config(NodeConfig):
    """Form of the inspector."""

    title: Text = field("Please review", title="Title", min_length=1, max_length=200)
    message: Text = field(
        "",
        title="Message",
        widget="prompt",
        placeholder="Shall this answer go to {{ trigger.name }}?",
    )
    value: Any = field(
        "{{ input }}", title="To review", widget="json", description="What is approved or rejected."
    )
    editable: bool = field(
        False,
        title="May be edited",
        description="The person can change the value before approving.",
    )


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """The two decisions."""

    approved: Any = port(title="Approved", branch=True)
    rejected: Any = port(title="Rejected", branch=True)
    comment: str = port("", title="Comment", socket=False)
    decided_by: str = port("", title="Decided by", socket=False)


@node(
    kind="human.approval",
    title="Approval",
    icon="user-check",
    light=True,
    effects="pauses",
    examples=[
        Example(
            "approved",
            Config(),
            In(input="Dear Ada"),
            {"approved": "Dear Ada", "comment": "fine"},
            alive=frozenset({"approved"}),
            world={"answer": Answer(choice="approve", comment="fine")},
        ),
        Example(
            "approved after a change",
            Config(editable=True),
            In(input="Dear Ada"),
            {"approved": "Hello Ada"},
            alive=frozenset({"approved"}),
            world={"answer": Answer(choice="approve", value="Hello Ada")},
        ),
        Example(
            "a change where none was asked for is ignored",
            Config(),
            In(input="Dear Ada"),
            {"approved": "Dear Ada"},
            alive=frozenset({"approved"}),
            world={"answer": Answer(choice="approve", value="Hello Ada")},
        ),
        Example(
            "rejected",
            Config(),
            In(input="Dear Ada"),
            {"rejected": "Dear Ada"},
            alive=frozenset({"rejected"}),
            world={"answer": Answer(choice="reject")},
        ),
        Example(
            "a broken message",
            Config(message="{{ input.name.first }}"),
            In(input={"name": "Ada"}),
            raises=ExpressionError,
        ),
    ],
)
async def approval(config: Config, inputs: In, ctx: NodeContext) -> Result:
    """Ask, and let the branch of the decision live."""
    answer = await ctx.ask(
        Question(
            title=config.title, body=config.message, value=config.value, editable=config.editable
        )
    )
    changed = config.editable and answer.value is not None
    way = "approved" if answer.choice == "approve" else "rejected"
    values = {
        way: answer.value if changed else config.value,
        "comment": answer.comment,
        "decided_by": answer.decided_by,
    }
    return Result(values, frozenset({way}))
