"""The plugins that come with vdproxy."""

from vdproxy.makers import ClientEndpointMaker, FrontendMaker, HandlerMaker

capabilities = HandlerMaker(
    "capabilities",
    "vdproxy.handlers.capabilities",
    "Negotiates what the guest and each client can do. Always on.",
)
monitors = HandlerMaker(
    "monitors",
    "vdproxy.handlers.monitors",
    "Forwards a client's monitor layout to the guest and its reply back.",
)
vdi = FrontendMaker(
    "vdi",
    "vdproxy.frontends.vdi",
    "The byte stream of QEMU's vdagent port, for any number of clients.",
)
simulated = ClientEndpointMaker("simulated", "vdproxy.net.simulated")
