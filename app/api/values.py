"""Large values of runs, whole."""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from app.api.bodies import router
from app.api.deps import Id, Signed
from app.services.runs.values import read_value
from app.services.runtime import runtime

values = router("/values", "runs")


@values.get(
    "/{value_id}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {}}}},
)
async def get_value(value_id: Id, who: Signed) -> StreamingResponse:
    """The JSON that a reference `{"$blob": value_id, "size", "preview"}` in a value stands for."""
    pieces = read_value(runtime(), who, value_id)
    first = await anext(pieces)  # that there is none is told before the answer begins

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    named = {"Content-Disposition": f'attachment; filename="{value_id}.json"'}
    return StreamingResponse(whole(), media_type="application/json", headers=named)
