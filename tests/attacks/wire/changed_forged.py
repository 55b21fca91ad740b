"""Claims to have changed arguments that it never got."""

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
    send({"value": {"result": 1, "changed": {"dict": [[-1, 5], [100, 5], ["x", 5], [{"float": "nan"}, 5]]}}})
    return z
