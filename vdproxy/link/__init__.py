"""
One end of one link, without input or output: when what is announced.

:mod:`~vdproxy.link.guest` is the client's role towards a guest's agent,
:mod:`~vdproxy.link.client` the agent's role towards one client. Bytes go in with
``receive_data``, ``next_event`` reads them, ``messages_to_send`` has what the
link itself wants to say and ``encode`` turns a message into chunks for its peer.
"""
