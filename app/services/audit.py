"""Who did what: written in the transaction of the action, so that neither exists without the other."""

from app.adapters.sql.database import UnitOfWork
from app.kernel import log
from app.kernel.clock import now
from app.kernel.ids import new_id
from app.models import AuditEntry
from app.services.access import Actor


def record(
    uow: UnitOfWork, actor: Actor, action: str, subject: str = "", **details: str | int | bool
) -> None:
    """Record an action, such as `workflow.delete` of `wfl_…`. Details are small, never a secret."""
    uow.session.add(
        AuditEntry(
            id=new_id("audit"),
            workspace_id=actor.workspace_id or None,
            actor_id=actor.user_id,
            action=action,
            subject=subject,
            details=details,
            request_id=log.context.get().get("request_id", ""),
            at=now(),
        )
    )
