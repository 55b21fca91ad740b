"""Listens for a helper outside."""

import socket
try:
    socket.create_server(("0.0.0.0", 8765))
    print("CONNECTED")
except OSError as error:
    print(error)
