"""The engine: graphs in, results out. A library without web, database or queue."""
