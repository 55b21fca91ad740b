"""Put this process into a box from which a learner's code reaches nothing but what it needs (Linux; weaker elsewhere).

Three strengths; the grader takes the strongest that works on the machine, ``limits`` only where it is named:

``namespaces``
    An own root that holds only the readable paths, read-only, and a small private /tmp; no other process, no network,
    no queues of the host; then all of ``landlock``.
``landlock``
    The kernel refuses all files but the readable paths and a scratch folder, TCP, signals to other processes; system
    calls that a notebook does not need are refused (seccomp); then all of ``limits``. Needs no privilege.
``limits``
    Limits of time, memory, files and processes alone. It stops accidents, not attacks.

What no box here protects against: flaws of the kernel itself, and timing by shared hardware.

Sources: the manual pages namespaces(7), user_namespaces(7), pivot_root(2), landlock(7), seccomp(2), capabilities(7).
"""

import contextlib
import ctypes
import errno
import functools
import os
import resource
import signal
import struct
import sys
import threading

try:
    import pyseccomp  # before the box: it looks for libseccomp in the system's folders
except (ImportError, RuntimeError):
    pyseccomp = None

STRENGTHS = ("namespaces", "landlock", "limits")
#: A room's user outside, where the grader runs as root: each room its own, so that limits count its own processes.
FIRST_UID = 1_000_000

_LIBC = ctypes.CDLL(None, use_errno=True)
_NAMESPACES = {
    "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
_USER = 0x10000000
_READ_ONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DEVICES = ("null", "zero", "random", "urandom")


class NoBox(Exception):
    """A box of this strength cannot be made here."""


def furnish(readable, root):
    """Mount at the folder `root` all that boxes with ``namespaces`` may read, for this process and its children alone.

    The calling process must have one thread. Its children's `enter` copies this tree, which is quicker than making it.

    Raises
    ------
    NoBox
        If that cannot be done.
    """
    try:
        if os.geteuid() == 0:
            _checked(_LIBC.unshare(ctypes.c_int(_NAMESPACES["mount"])), "unshare")
        else:
            uid, gid = os.getuid(), os.getgid()
            _checked(_LIBC.unshare(ctypes.c_int(_NAMESPACES["mount"] | _USER)), "unshare")
            _map_user(uid, gid)
        _mount(None, "/", flags=_RECURSIVE | _PRIVATE)
        _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=4m,nr_inodes=4k,mode=755")
        os.makedirs(f"{root}/tmp")
        for path in readable:
            if not _in_tmp(path):
                _bind(path, root + path)
        for link in ("/lib", "/lib64"):
            if os.path.islink(link):
                os.symlink(os.readlink(link), root + link)
        for device in _DEVICES:
            _bind(f"/dev/{device}", f"{root}/dev/{device}", device=True)
        _mount(None, root, flags=_BIND | _REMOUNT | _READ_ONLY | _NOSUID | _NODEV)
    except (OSError, AttributeError) as error:
        raise NoBox(f"namespaces: {type(error).__name__}: {error}") from error


def fork(strength, child):
    """Fork a process that can `enter` a box of this strength, call `child` in it, and return its number.

    With ``namespaces`` it is the first process of a new namespace of processes: when it ends, all others there do.
    """
    pids = []

    def work():
        if strength == "namespaces":  # if that fails, `enter` says so
            _LIBC.unshare(ctypes.c_int(_NAMESPACES["pid"]))
        pids.append(os.fork())
        if pids[0] == 0:
            try:
                child()
            finally:
                os._exit(1)

    # Each thread chooses for itself in which namespace its children are; that of this process stays as it is.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return pids[0]


def enter(strength, readable, scratch, limits, listed=(), root=None):
    """Put the calling process, which must have one thread and come from `fork`, into a box; it never gets out.

    Parameters
    ----------
    strength : str
        One of `STRENGTHS`.
    readable : list of str
        Absolute paths, without symbolic links, of files and folders that the box may read; nothing else is there.
    scratch : str
        An empty folder outside. With ``namespaces`` it stays empty, and an own /tmp is used.
    limits : dict
        ``cpu`` in seconds; ``memory``, ``file`` (size of one) and ``scratch`` in bytes; ``processes``, ``files``.
    listed : list of str
        Folders whose names may be listed besides: Python's import lists the folders that it searches.
    root : str, optional
        With ``namespaces``: the tree that `furnish` made in the process that forked this one.

    Raises
    ------
    NoBox
        If it cannot be made; the process must end then.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if strength == "namespaces":
            _own_root(root, readable, limits)
            readable, scratch = ["/"], "/tmp"  # the own root holds nothing else
        elif sys.platform.startswith("linux"):
            _LIBC.prctl(36, 1)  # orphans of this process come back to it, so that they can be found and ended
        os.chdir(scratch)
        _clean_environment(scratch)
        _limit(limits, count_others=strength == "landlock")
        if strength in ("namespaces", "landlock"):
            if not sys.platform.startswith("linux"):
                raise NoBox("only Linux has it")
            _landlock(readable, [scratch], listed)
            _seccomp()
    except (OSError, ImportError, RuntimeError, AttributeError) as error:
        raise NoBox(f"{strength}: {type(error).__name__}: {error}") from error


def strongest():
    """Return the strongest box that works here, by trying each in a process that ends at once."""
    import tempfile

    readable = [os.path.realpath(sys.prefix)]
    # What the caller has open and mapped must not count against the limits: its files are closed, memory is ample.
    limits = {"cpu": 10, "memory": 1 << 40, "file": 1 << 20, "scratch": 1 << 20, "processes": 8, "files": 64}
    for strength in STRENGTHS:
        with tempfile.TemporaryDirectory() as scratch:
            pid = os.fork()
            if pid == 0:
                with contextlib.suppress(BaseException):
                    os.closerange(3, 4096)
                    null = os.open(os.devnull, os.O_RDWR)
                    for stream in (0, 1, 2):
                        os.dup2(null, stream)
                    root = tempfile.mkdtemp(dir=scratch)
                    if strength == "namespaces":
                        furnish(readable, root)
                    tried = fork(strength, functools.partial(_try, strength, readable, scratch, limits, (), root))
                    os._exit(os.waitstatus_to_exitcode(os.waitpid(tried, 0)[1]) & 0xFF)
                os._exit(1)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
                return strength
    raise NoBox("not even limits can be set here")


def _try(*arguments):
    enter(*arguments)
    os._exit(0)


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _clean_environment(home):
    """Keep what numerical code needs; the grader's secrets and paths stay outside."""
    kept = {name: os.environ[name] for name in ("LANG", "MPLBACKEND", "OPENBLAS_NUM_THREADS") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=home, TMPDIR=home, IPYTHONDIR=f"{home}/.ipython", MPLCONFIGDIR=f"{home}/.matplotlib")


# --- namespaces ------------------------------------------------------------------------------------------------------


def _own_root(tree, readable, limits):
    """Move to own namespaces and to a copy of the furnished `tree`."""
    if os.getpid() != 1:
        raise NoBox("this process is not the first of its namespace")
    root = os.geteuid() == 0
    number = int(os.readlink("/proc/self"))  # of this process, outside
    uid, gid = (FIRST_UID + number,) * 2 if root else (os.getuid(), os.getgid())
    flags = sum(_NAMESPACES.values()) - _NAMESPACES["pid"]
    _checked(_LIBC.unshare(ctypes.c_int(flags if root else flags | _USER)), "unshare")
    if not root:
        _map_user(uid, gid)
    _mount(None, "/", flags=_RECURSIVE | _PRIVATE)
    _mount(tree, tree, flags=_BIND | _RECURSIVE)
    options = f"size={limits['scratch']},nr_inodes=10k,mode=1777"
    _mount("tmpfs", f"{tree}/tmp", "tmpfs", _NOSUID | _NODEV | _NOEXEC, options)
    for path in filter(_in_tmp, readable):
        _bind(path, tree + path)
    os.chdir(tree)
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise NoBox(f"pivot_root is not known for {os.uname().machine}")
    _checked(_LIBC.syscall(number, b".", b"."), "pivot_root")  # the old root now lies on top of the new one
    _checked(_LIBC.umount2(b".", 2), "umount of the old root")
    os.chdir("/")
    _mount(None, "/", flags=_BIND | _REMOUNT | _READ_ONLY | _NOSUID | _NODEV)
    if root:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    _drop_capabilities()


def _in_tmp(path):
    """Return whether a path lies where each box has its own folder, so that it must be mounted in that."""
    return path.startswith("/tmp/")


def _map_user(uid, gid):
    for name, content in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(content)


def _mount(source, target, kind=None, flags=0, data=None):
    words = [word.encode() if word is not None else None for word in (source, target, kind, data)]
    result = _LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    _checked(result, f"mount {source} on {target}")


def _bind(path, target, device=False):
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "a"):
            pass
    _mount(path, target, flags=_BIND | _RECURSIVE)
    kept = os.statvfs(path).f_flag & _NOEXEC  # flags of the host that must stay
    _mount(None, target, flags=_BIND | _REMOUNT | _NOSUID | kept | (0 if device else _READ_ONLY | _NODEV))


def _drop_capabilities():
    for capability in range(64):
        if _LIBC.prctl(24, capability) < 0:  # PR_CAPBSET_DROP
            break
    header = struct.pack("<Ii", 0x20080522, 0)
    _checked(_LIBC.capset(header, struct.pack("<6I", *[0] * 6)), "capset")


# --- limits, Landlock, seccomp ---------------------------------------------------------------------------------------


def _limit(limits, count_others):
    processes = limits["processes"]
    if count_others:  # without an own user, the limit counts all processes of this user
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(FileNotFoundError):  # it may end while we look
                processes += os.stat(f"/proc/{pid}").st_uid == os.getuid()
    values = {
        "RLIMIT_CPU": limits["cpu"], "RLIMIT_AS": limits["memory"], "RLIMIT_FSIZE": limits["file"],
        "RLIMIT_NOFILE": limits["files"], "RLIMIT_NPROC": processes, "RLIMIT_CORE": 0,
    }  # fmt: skip
    for name, wanted in values.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            with contextlib.suppress(ValueError):  # macOS knows some limits that it does not let be set
                resource.setrlimit(kind, (value, value))


def _landlock(readable, writable, listed):
    """Allow reading below `readable`, reading and writing below `writable`, and refuse all other files for good."""
    version = _LIBC.syscall(444, None, ctypes.c_size_t(0), 1)
    if version < 1:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock")
    execute, write, read, list_folder = 1, 2, 4, 8
    make_device = 1 << 6 | 1 << 11
    refer, truncate, ioctl = 1 << 13, 1 << 14, 1 << 15
    files = (1 << 13) - 1
    files |= (refer if version >= 2 else 0) | (truncate if version >= 3 else 0) | (ioctl if version >= 5 else 0)
    # TCP bind and connect; signals and abstract sockets.
    rules = struct.pack("<QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    rules = rules[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_LIBC.syscall(444, rules, ctypes.c_size_t(len(rules)), 0), "landlock_create_ruleset")

    def allow(path, access):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if not os.path.isdir(path):
                access &= execute | write | read | truncate | ioctl
            rule = struct.pack("<Qi", access & files, folder)
            _checked(_LIBC.syscall(445, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
            os.close(folder)

    for path in readable:
        allow(path, execute | read | list_folder)
    for path in listed:
        allow(path, list_folder)
    for path in writable:
        allow(path, files & ~execute & ~make_device)
    for device in _DEVICES:
        allow(f"/dev/{device}", read | write)
    if os.geteuid() == 0:
        _drop_capabilities()
    _checked(_LIBC.prctl(38, 1, 0, 0, 0), "prctl NO_NEW_PRIVS")
    _checked(_LIBC.syscall(446, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


#: System calls that change the machine, look into other processes, or have had many flaws; no notebook needs them.
_REFUSED = """
acct add_key bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick
init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
lookup_dcookie mount mount_setattr move_mount name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open
personality pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl reboot
request_key setdomainname sethostname setns settimeofday socket swapoff swapon syslog umount2 unshare userfaultfd
vhangup
""".split()  # noqa: SIM905


@functools.cache
def seccomp_program():
    """Return the filter of system calls as the kernel takes it; called before a fork, its children need not make it."""
    if pyseccomp is None:
        raise ImportError("pyseccomp with libseccomp is not installed")
    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _REFUSED:
        with contextlib.suppress(ValueError, RuntimeError):  # not on this machine's architecture
            rules.add_rule(refuse, name)
    rules.add_rule(
        pyseccomp.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags cannot be looked at; the C library uses clone then
    for flag in [_USER, *_NAMESPACES.values()]:
        rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _seccomp():
    program = seccomp_program()
    instructions = ctypes.create_string_buffer(program, len(program))
    filter_ = _Filter(len(program) // 8, ctypes.addressof(instructions))
    _checked(_LIBC.prctl(22, 2, ctypes.byref(filter_)), "prctl SECCOMP")  # after NO_NEW_PRIVS, which Landlock needs too


class _Filter(ctypes.Structure):
    """The kernel's ``struct sock_fprog``."""

    _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_void_p))
