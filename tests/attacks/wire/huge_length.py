"""Announces a message of four gigabytes."""

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

for one in sockets():
    try:
        one.sendall(struct.pack("<I", 0xFFFFFFFF) + b"x" * 1000)
    except OSError:
        pass
