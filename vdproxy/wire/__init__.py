"""
The vdagent wire format, without input or output.

Bytes become chunks and whole messages in :mod:`~vdproxy.wire.chunk`, payloads
become values in :mod:`~vdproxy.wire.messages` through a
:class:`~vdproxy.wire.codec.Codec`. Everything is little-endian and packed
(``spice/vd_agent.h``), on hosts of either byte order.
"""
