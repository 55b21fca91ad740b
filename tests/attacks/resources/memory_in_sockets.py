"""Holds memory in sockets that nobody reads."""

import socket, time, os
held = []
try:
    for _ in range(20):
        if os.fork() == 0:
            for _ in range(120):
                pair = socket.socketpair()
                held.append(pair)
                for one in pair:
                    one.setblocking(False)
                    try:
                        while True:
                            one.send(b"x" * 60_000)
                    except BlockingIOError:
                        pass
            time.sleep(30)
    time.sleep(20)
except OSError as error:
    print(error)
