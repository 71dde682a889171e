"""What arrives for waiting steps of a run while its other steps are executing."""

from collections.abc import Sequence
from typing import Literal

from sqlmodel import col

from app.adapters.sql.values import unpack
from app.engine.host import Delivery
from app.engine.sdk import Answer
from app.models import Approval, Step
from app.services.access import scoped, system
from app.services.app_context import AppContext
from app.services.runs.lifecycle.claimed_run import locked_by_id
from app.services.runs.waits import came_since, record_of


async def deliveries_of(app: AppContext, run_id: str, epoch: int) -> Sequence[Delivery]:
    """What no life of a run has had yet; nothing when the run is no longer ours.

    It counts as taken once the run says so (`host.TakenRecord`). Until then it may be read again, here and by the next
    life.

    Raises:
        StorageDown: The database does not answer.
    """
    async with app.database.work() as uow:
        run = await locked_by_id(uow, run_id)
        if run is None or run.epoch != epoch or run.status != "running":
            return ()
        waits = await came_since(uow, run)
        query = (
            scoped(Approval, system(run.workspace_id))
            .join(Step, col(Step.id) == col(Approval.step_id))
            .where(
                col(Approval.run_id) == run_id,
                col(Approval.status) == "answered",
                col(Approval.taken).is_(False),
                col(Step.status).in_(("waiting_human", "interrupted")),
            )
            .order_by(col(Approval.created_at))
        )
        asked = (await uow.session.execute(query)).scalars().all()
        return [
            *map(_decided, asked),
            *[
                Delivery(
                    one.id, one.delivery_kind, one.place, await unpack(uow.session, result, run_id)
                )
                for one, result in ((record_of(wait), wait.result) for wait in waits)
            ],
        ]


def _decided(one: Approval) -> Delivery:
    kind: Literal["recovery", "answer"] = "recovery" if one.question.get("recovery") else "answer"
    return Delivery(one.id, kind, one.step_path, Answer.model_validate(one.answer))
