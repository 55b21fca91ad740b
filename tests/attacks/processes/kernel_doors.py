"""Knocks at the calls in which flaws of the kernel were found."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
tried = {"io_uring": 425, "userfaultfd": 323, "bpf": 321, "perf": 298, "keyctl": 250, "add_key": 248, "fanotify": 300, "inotify": 294, "fsopen": 430, "open_tree": 428, "memfd_secret": 447, "landlock": 444, "seccomp": 317, "personality": 135, "modify_ldt": 154, "quotactl": 179, "kcmp": 312, "clone3": 435, "setns": 308, "pidfd_open": 434, "io_setup": 206}
for name, number in tried.items():
    got = libc.syscall(number, 0, 0, 0, 0, 0)
    if got >= 0 or ctypes.get_errno() != 38:
        print(name, got, ctypes.get_errno())
