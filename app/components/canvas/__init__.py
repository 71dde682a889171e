"""The workflow editor: canvas, palette, outline, and what is said between it and the server."""
