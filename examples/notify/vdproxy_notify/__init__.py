"""Desktop notifications for vdproxy: a message type, and the handler that owns it."""
