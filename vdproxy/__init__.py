"""
One SPICE guest agent, any number of clients.

vdproxy takes the one consumer's place on a guest's vdagent port and shows the
agent behind it to every client that connects.
"""

__version__ = "0.1.0"
