"""Chat models and embeddings: where they are, their weights, prices and servers."""
