"""Makes new namespaces, to gain rights in them and mount what it likes."""

import ctypes
libc = ctypes.CDLL(None)
for flag in (0x10000000, 0x00020000, 0x10020000, 0x20000000):
    print(libc.unshare(flag))
print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.setuid(0), libc.chroot(b"/tmp"))
