"""``twistd vdproxy``."""

from twisted.application.service import ServiceMaker

vdproxy = ServiceMaker(
    "vdproxy",
    "vdproxy.tap",
    "Share one guest's SPICE agent between any number of clients.",
    "vdproxy",
)
