"""Clients of chat completions servers: concurrent requests with retries, and a cache of answers on disk."""
