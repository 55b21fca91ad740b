"""Sends messages of forms that nobody sends, and ends."""

import json, os, socket, struct
def sockets():
    for fd in range(3, 256):
        try:
            yield socket.socket(fileno=os.dup(fd))
        except OSError:
            pass
def send(message):
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    for one in sockets():
        try:
            one.sendall(struct.pack("<I", len(content)) + content)
        except OSError:
            pass

def sigmoid(z):
    send({"branch_died": True})
    send({"id": None, "value": None, "branch_died": True})
    os._exit(77)
