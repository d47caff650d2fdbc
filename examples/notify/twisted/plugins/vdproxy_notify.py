"""Declares the handler ``notify``."""

from vdproxy.makers import HandlerMaker

notify = HandlerMaker(
    "notify",
    "vdproxy_notify.handler",
    "Shows the guest's notifications at every client, and the clients' in the guest.",
)
