"""Put this process into a box from which a learner's code reaches nothing but what it needs (Linux; weaker elsewhere).

Four strengths; the grader takes the strongest that works on the machine, ``limits`` only where it is named:

``namespaces``
    An own root that holds only the readable paths, read-only, and a small private /tmp; no other process, no network,
    no queues of the host; then all of ``landlock``.
``bubblewrap``
    The same for ordinary users, made by the program bubblewrap, which some systems let make namespaces where they
    forbid it others. Each room is a program of its own, so a room takes some seconds in place of milliseconds.
``landlock``
    The kernel refuses all files but the readable paths and a scratch folder, in which files can be made and not
    removed, so that all of them count; and TCP and signals to other processes. Only system calls on a list are possible
    (seccomp); then all of ``limits``. Needs no privilege, but a kernel that enforces all of it: Linux 6.12 or newer.
``limits``
    Limits of time, memory, files and processes alone. It stops accidents, not attacks.

Where the grader runs as root, each room has a user of its own in every box. In namespaces, Landlock is a second wall,
as high as the kernel can make it.

What no box here protects against: flaws of the kernel itself, and timing by shared hardware. `WEAKER` says what else a
box does not do.

Sources: the manual pages namespaces(7), user_namespaces(7), pivot_root(2), landlock(7), seccomp(2), capabilities(7).
"""

import contextlib
import ctypes
import errno
import functools
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

try:
    import pyseccomp  # before the box: it looks for libseccomp in the system's folders
except (ImportError, RuntimeError):
    pyseccomp = None

STRENGTHS = ("namespaces", "bubblewrap", "landlock", "limits")
#: What a weaker box does not promise, for the one who decides whether that is enough.
WEAKER = {
    "landlock": "a room sees which processes and users there are, and its limit of processes counts all of this user",
    "limits": "a room reads files, uses the network, signals and debugs the grader: it stops accidents and no attack",
}
#: Landlock's version from which it refuses all that is promised: files (1), moves (2), truncation (3), TCP (4),
#: commands to devices (5), signals and abstract sockets (6).
WHOLE_LANDLOCK = 6
#: A room's user outside, where the grader runs as root: each room its own, so that limits count its own processes.
FIRST_UID = 1_000_000

_LIBC = ctypes.CDLL(None, use_errno=True)
_NAMESPACES = {
    "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
_USER = 0x10000000
_READ_ONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DEVICES = ("null", "random", "urandom")  # no zero: what is mapped of it, shared, is memory that no process shows


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
        _show(readable, root, in_tmp=False)
        for device in _DEVICES:
            _bind(f"/dev/{device}", f"{root}/dev/{device}", device=True)
        _mount(None, root, flags=_BIND | _REMOUNT | _READ_ONLY | _NOSUID | _NODEV)
    except (OSError, AttributeError) as error:
        raise NoBox(f"namespaces: {type(error).__name__}: {error}") from error


def fork(strength, child):
    """Fork a process that can `enter` a box of this strength, call `child` in it, and return its number.

    With ``namespaces`` it is the first process of a new namespace of processes: when it ends, all others there do.
    """
    pids, (wait, go) = [], os.pipe()

    def work():
        if strength == "namespaces":  # if that fails, `enter` says so
            _LIBC.unshare(ctypes.c_int(_NAMESPACES["pid"]))
        pids.append(os.fork())
        if pids[0] == 0:
            try:
                os.close(go)
                os.read(wait, 1)
                os.close(wait)
                child()
                os._exit(0)
            finally:
                os._exit(1)

    # Each thread chooses for itself in which namespace its children are; that of this process stays as it is. The child
    # waits for the end of the thread, which would count as its parent's death.
    threads = len(os.listdir("/proc/self/task"))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    end = time.monotonic() + 20
    while len(os.listdir("/proc/self/task")) > threads and time.monotonic() < end:
        time.sleep(0.0001)  # Python says that a thread has ended before the system does
    os.close(wait)
    os.close(go)
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
        if strength in ("namespaces", "bubblewrap"):
            readable, scratch = ["/"], "/tmp"  # the own root holds nothing else
        else:
            adopt_orphans()  # so that they can be found and ended
            if os.geteuid() == 0:
                _own_user(readable, scratch)
        os.chdir(scratch)
        _limit(limits, count_others=strength == "landlock" and os.geteuid() < FIRST_UID)
        end_with_parent()
        if strength != "limits":
            if not sys.platform.startswith("linux"):
                raise NoBox("only Linux has it")
            _checked(_LIBC.prctl(38, 1, 0, 0, 0), "prctl NO_NEW_PRIVS")
            version = landlock_version()
            if strength == "landlock" and version < WHOLE_LANDLOCK:
                raise NoBox(f"this kernel enforces version {max(version, 0)} of it, and {WHOLE_LANDLOCK} is needed")
            if version > 0:
                _landlock(version, readable, scratch, listed, removable=strength != "landlock")
            _seccomp()
    except (OSError, ImportError, RuntimeError, AttributeError) as error:
        raise NoBox(f"{strength}: {type(error).__name__}: {error}") from error


def adopt_orphans():
    """Make this process the parent of processes below it whose own parent ends (Linux)."""
    if sys.platform.startswith("linux"):
        _LIBC.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def end_with_parent():
    """Let the kernel end this process when the one that forked it ends (Linux)."""
    if sys.platform.startswith("linux"):
        _checked(_LIBC.prctl(1, signal.SIGKILL), "prctl PDEATHSIG")


def _own_user(readable, scratch):
    """Become a user that no other room is and that owns nothing but the scratch folder.

    Where Python lies in a folder that is closed to other users, such as root's home, one right of root is kept: to read
    all files. Landlock leaves the readable ones of them.
    """
    uid = FIRST_UID + os.getpid()
    os.chmod(scratch, 0o700)
    os.chown(scratch, uid, uid)
    _LIBC.prctl(8, 1)  # PR_SET_KEEPCAPS
    _drop_bounds()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _set_capabilities(0 if all(os.access(path, os.R_OK) for path in readable) else _READ_ALL)


def strongest():
    """Return the strongest box that works here, by trying each in a process that ends at once."""
    import tempfile

    readable = [os.path.realpath(sys.prefix)]
    # What the caller has open and mapped must not count against the limits: its files are closed, memory is ample.
    limits = {"cpu": 10, "memory": 1 << 40, "file": 1 << 20, "scratch": 1 << 20, "processes": 8, "files": 64}
    for strength in STRENGTHS:
        if strength == "bubblewrap":
            if _bubblewrap_works(limits):
                return strength
            continue
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
                    tried = fork(strength, functools.partial(enter, strength, readable, scratch, limits, (), root))
                    os._exit(os.waitstatus_to_exitcode(os.waitpid(tried, 0)[1]) & 0xFF)
                os._exit(1)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
                return strength
    raise NoBox("not even limits can be set here")


def _bubblewrap_works(limits):
    """Return whether a program that bubblewrap starts can enter the box."""
    python, here = os.path.realpath(sys.executable), os.path.realpath(__file__)
    try:
        words = bubblewrap(["/", python, here], limits)
        code = (
            "import importlib.util, sys\nspec = importlib.util.spec_from_file_location('box', sys.argv[1])\n"
            "box = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(box)\n"
            f"box.seccomp_program = lambda: {seccomp_program()!r}\nbox.enter('bubblewrap', [], '', {limits!r})"
        )
        return subprocess.run([*words, python, "-S", "-c", code, here], capture_output=True, timeout=30).returncode == 0
    except (NoBox, OSError, subprocess.TimeoutExpired):
        return False


def bubblewrap(readable, limits):
    """Return the words before those of a program that bubblewrap shall start in namespaces of its own.

    Raises
    ------
    NoBox
        If it is not installed, or this is root, whose rooms would all have one user, and that root.
    """
    program = shutil.which("bwrap")
    if program is None or pyseccomp is None:
        raise NoBox(f"{'pyseccomp with libseccomp' if program else 'bubblewrap'} is not installed")
    if os.geteuid() == 0:
        raise NoBox("bubblewrap is for ordinary users; root has the box namespaces")
    words = [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for path in filter("/".__eq__, readable):
        words += ["--ro-bind", path, path]
    words += ["--size", str(limits["scratch"]), "--tmpfs", "/tmp"]
    for path in sorted(readable, key=os.path.islink):
        if path != "/":
            words += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    for device in _DEVICES:
        words += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    return [*words, "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


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
    _show(readable, tree, in_tmp=True)
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
    _drop_bounds()
    _set_capabilities(0)


def _show(readable, root, in_tmp):
    """Mount below `root` what may be read, and make symbolic links again; what lies in /tmp goes into a box's own."""
    paths = [path for path in readable if path.startswith("/tmp/") == in_tmp]
    for path in paths:
        if not os.path.islink(path):
            _bind(path, root + path)
    for path in filter(os.path.islink, paths):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(os.readlink(path), root + path)


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


def _drop_bounds():
    """Let no program that is started have any right of root."""
    for capability in range(64):
        if _LIBC.prctl(24, capability) < 0:  # PR_CAPBSET_DROP
            break


def _set_capabilities(kept):
    header = struct.pack("<Ii", 0x20080522, 0)
    _checked(_LIBC.capset(header, struct.pack("<6I", kept, kept, 0, 0, 0, 0)), "capset")


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


def landlock_version():
    """Return the version of Landlock that the kernel enforces, less than 1 if it has none."""
    return _LIBC.syscall(444, None, ctypes.c_size_t(0), 1)


def _landlock(version, readable, scratch, listed, removable):
    """Allow reading below `readable`, reading and writing below `scratch`, and refuse all other files for good."""
    execute, write, read, list_folder = 1, 2, 4, 8
    remove, make_device = 1 << 4 | 1 << 5, 1 << 6 | 1 << 11
    refer, truncate, ioctl = 1 << 13, 1 << 14, 1 << 15
    files = (1 << 13) - 1
    files |= (refer if version >= 2 else 0) | (truncate if version >= 3 else 0) | (ioctl if version >= 5 else 0)
    # TCP bind and connect; signals and abstract sockets.
    rules = struct.pack("<QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    rules = rules[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_LIBC.syscall(444, rules, ctypes.c_size_t(len(rules)), 0), "landlock_create_ruleset")

    def allow(path, access):
        with contextlib.suppress(FileNotFoundError):
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if not os.path.isdir(path):
                access &= execute | write | read | truncate | ioctl
            rule = struct.pack("<Qi", access & files, folder)
            _checked(_LIBC.syscall(445, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
            os.close(folder)

    for path in readable:
        if not os.path.islink(path):  # the kernel follows links; what they lead to is here by itself
            allow(path, execute | read | list_folder)
    for path in listed:
        allow(path, list_folder)
    allow(scratch, files & ~execute & ~make_device & ~(0 if removable else remove))
    for device in _DEVICES:
        allow(f"/dev/{device}", read | write)
    _checked(_LIBC.syscall(446, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


#: The system calls that a notebook needs: on files that are open or lie in the box, on own memory, threads, processes,
#: clocks and signals. All others are refused, those that are not made yet included: sockets, keys, queues, memory
#: without an owner (memfd, System V, pipes that keep pages), locks and leases, namespaces, debuggers, other processes.
_ALLOWED = """
access alarm arch_prctl brk capget chdir chmod clock_getres clock_gettime clock_nanosleep close close_range
copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd2 execve
exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fdatasync fgetxattr flistxattr
fork fstat fstatfs fsync ftruncate futex get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid
getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit
getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr kill lgetxattr link linkat listxattr
llistxattr lseek lstat madvise membarrier mkdir mkdirat mprotect mremap msync munmap nanosleep newfstatat pause pipe
pipe2 poll ppoll pread64 preadv preadv2 pselect6 pwrite64 pwritev pwritev2 read readlink readlinkat readv recvfrom
recvmsg rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn
rt_sigsuspend rt_sigtimedwait sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam
sched_getscheduler sched_yield select sendfile sendmsg sendto set_robust_list set_tid_address setitimer setpgid
setrlimit setsid shutdown sigaltstack stat statfs statx symlink symlinkat sysinfo tgkill time times truncate umask
uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
""".split()  # noqa: SIM905
_FCNTL = {"DUPFD": 0, "GETFD": 1, "SETFD": 2, "GETFL": 3, "SETFL": 4, "DUPFD_CLOEXEC": 1030, "GETPIPE_SZ": 1032}
_IOCTL = {
    "TCGETS": 0x5401, "TCGETS2": 0x802C542A, "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450, "FIOCLEX": 0x5451,
}  # fmt: skip
_PRCTL = {"SET_NAME": 15, "GET_NAME": 16, "SET_VMA": 0x53564D41}


def _conditions():
    """Yield ``(system call, conditions)`` of calls that are possible with some arguments alone."""
    equal, masked = pyseccomp.EQ, pyseccomp.MASKED_EQ
    for name, place, values in (("fcntl", 1, _FCNTL), ("ioctl", 1, _IOCTL), ("prctl", 0, _PRCTL)):
        for value in values.values():
            yield name, [(place, equal, value)]
    yield "prlimit64", [(0, equal, 0)]  # of no other process
    yield "socketpair", [(0, equal, 1), (1, masked, 0xF, 1)]  # streams that reach no one but each other
    yield "clone", [(0, masked, _USER | sum(_NAMESPACES.values()), 0)]
    tmpfile, shared, anonymous, huge = 0x400000, 0x1, 0x20, 0x40000
    yield "open", [(1, masked, tmpfile, 0)]  # a file without a name would not count
    yield "openat", [(2, masked, tmpfile, 0)]
    # Memory shared without a file can be kept where no process shows it, huge pages are counted nowhere.
    yield "mmap", [(3, masked, anonymous | huge, 0)]
    yield "mmap", [(3, masked, shared | huge, 0)]


@functools.cache
def seccomp_program():
    """Return the filter of system calls as the kernel takes it; called before a fork, its children need not make it."""
    if pyseccomp is None:
        raise ImportError("pyseccomp with libseccomp is not installed")
    # "Not implemented": the C library and others then take another way where they have one.
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    for name, conditions in [*((name, ()) for name in _ALLOWED), *_conditions()]:
        with contextlib.suppress(ValueError, RuntimeError):  # not on this machine's architecture
            rules.add_rule(pyseccomp.ALLOW, name, *(pyseccomp.Arg(*condition) for condition in conditions))
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _seccomp():
    program = seccomp_program()
    instructions = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))  # the kernel's struct sock_fprog
    _checked(_LIBC.prctl(22, 2, filter_), "prctl SECCOMP")
