"""The socket between pages and server: who may connect, which events are accepted, and how they are processed."""
