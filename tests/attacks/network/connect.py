"""Connects to hosts and to local services."""

import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_INET, ("8.8.8.8", 53)), (socket.AF_UNIX, "/run/dbus/system_bus_socket")):
    try:
        one = socket.socket(family)
        one.settimeout(1)
        one.connect(address)
        print("CONNECTED")
    except OSError as error:
        print(error)
