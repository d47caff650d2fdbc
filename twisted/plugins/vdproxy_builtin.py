"""The plugins that come with vdproxy."""

from vdproxy.makers import ClientEndpointMaker, FilterMaker, FrontendMaker, HandlerMaker

capabilities = HandlerMaker(
    "capabilities",
    "vdproxy.handlers.capabilities",
    "Negotiates what the guest and each client can do. Always on.",
)
clipboard = HandlerMaker(
    "clipboard",
    "vdproxy.handlers.clipboard",
    "Shares the guest's selections with all clients, and theirs with the guest.",
)
file_transfer = HandlerMaker(
    "file-transfer",
    "vdproxy.handlers.file_transfer",
    "Carries files from any number of clients into the guest at once.",
)
monitors = HandlerMaker(
    "monitors",
    "vdproxy.handlers.monitors",
    "Gives the guest the monitor layout of one client, and the reply back.",
)
mouse = HandlerMaker(
    "mouse",
    "vdproxy.handlers.mouse",
    "Merges the clients' pointers into the guest's one.",
)
display = HandlerMaker(
    "display",
    "vdproxy.handlers.display",
    "Gives a Windows guest the desktop settings of one client.",
)
audio = HandlerMaker(
    "audio",
    "vdproxy.handlers.audio",
    "Gives the guest the sound volume of one client.",
)
graphics_device = HandlerMaker(
    "graphics-device",
    "vdproxy.handlers.graphics_device",
    "Tells the guest which graphics device shows which display.",
)
policy = FilterMaker(
    "policy",
    "vdproxy.filters.policy",
    "Holds each client to what it may do with clipboard, files, monitors and mouse.",
    fails_closed=True,
)
audit = FilterMaker(
    "audit",
    "vdproxy.filters.audit",
    "Writes down each clipboard hand-over, each file and each refusal.",
)
vdi = FrontendMaker(
    "vdi",
    "vdproxy.frontends.vdi",
    "The byte stream of QEMU's vdagent port, for any number of clients.",
)
simulated = ClientEndpointMaker("simulated", "vdproxy.net.simulated")
