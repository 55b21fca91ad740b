"""Connects to sockets that have no file."""

import socket
for make in (lambda: socket.socket(socket.AF_UNIX), lambda: socket.socketpair()[0]):
    for name in ("\0/tmp/.X11-unix/X0", "\0requests", "/run/dbus/system_bus_socket"):
        try:
            make().connect(name)
            print("CONNECTED")
        except OSError as error:
            print(error)
