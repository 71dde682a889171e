"""The drawer below the canvas: steps, questions, errors of the shown run."""
