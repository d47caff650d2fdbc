"""Transports: endpoint strings, and how the guest's port is reached and kept."""
