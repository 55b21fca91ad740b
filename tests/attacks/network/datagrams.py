"""Sends to an accomplice's socket through one end of a pair of datagram sockets."""

import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW, socket.SOCK_DGRAM | 0o4000):
    try:
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        print("CONNECTED" if kind != socket.SOCK_SEQPACKET else "pair")
        one.sendto(b"hidden", "/tmp/accomplice")
    except OSError as error:
        print(error)
