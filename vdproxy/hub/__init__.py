"""
One virtual machine: its guest, its clients and the handlers between them.

A message comes in through the link of the peer that sent it, is given to the
one handler that owns its type, and what the handler sends is encoded anew for
the link it goes out on. Transports and the clock are handed in.
"""
