"""Sends what it finds out to a host by asking for its name."""

import socket
try:
    print("CONNECTED", socket.gethostbyname("secret.example.org"))
except OSError as error:
    print(error)
