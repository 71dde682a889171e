"""Large values of runs, whole."""

from collections.abc import AsyncIterator

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api.http.bodies import router
from app.api.http.delivery import KNOWN, is_known, revalidated
from app.api.http.deps import Id, Signed
from app.api.http.streams import Lasting
from app.services.app_context import current_app
from app.services.runs.reading import read_value

values = router("/values", "runs")


@values.get(
    "/{value_id}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/json": {"schema": {}}}},
        304: KNOWN,
    },
)
async def get_value(value_id: Id, who: Signed, request: Request) -> Response:
    """The JSON that a reference `{"$blob": value_id, "size", "preview"}` in a value stands for."""
    pieces = read_value(current_app(), who, value_id)
    first = await anext(pieces)  # a missing value is reported before the response begins
    known = revalidated(f'W/"{value_id}"')
    if is_known(request, known["ETag"]):
        return Response(status_code=304, headers=known)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    named = {"Content-Disposition": f'attachment; filename="{value_id}.json"', **known}
    return Lasting(who, whole(), "application/json", named)
