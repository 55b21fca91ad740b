"""Asks the trusted side to call functions that it never handed out."""

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
    for number in (0, -1, "exec", [1], None):
        send({"callback": number, "arguments": {"list": [{"list": ["15"]}, {"dict": []}]}})
    return 0.5
