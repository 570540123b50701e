"""Gives up rights, then becomes the program that is to run without them. Linux only.

Run as a script by `sandbox`, under ``python -I -S``: standard library only, nothing of ours.

    settings as JSON, command -> limits of the process, files (Landlock), system calls (seccomp)
    -> exec

What fails is written to the pipe of the settings, which exec closes: a program cannot pretend it.
Source: Linux man pages prctl(2), seccomp(2), landlock(7), clone(2); uapi/linux/{seccomp,bpf_common,
landlock,audit}.h; system calls by number: arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import struct
import sys

# number of (x86_64, aarch64); None where the machine lacks the call
_CALLS = {
    # any network, and ways around this filter; a pair of sockets (Java needs one) stays a pair
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211),
    "sendmmsg": (307, 269), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # a process that leaves its group could not be ended with it
    "setsid": (112, 157), "setpgid": (109, 154),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "setpriority": (141, 140), "kcmp": (312, 272),
    # namespaces, mounts, the kernel
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsmount": (432, 432), "fsconfig": (431, 431),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "acct": (163, 89),
    "quotactl": (179, 60), "iopl": (172, None), "ioperm": (173, None), "syslog": (103, 116),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "mknod": (133, None),
    "mknodat": (259, 33),
}  # fmt: skip
_FORKS = {"fork": (57, None), "vfork": (58, None)}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_KILL, _TGKILL, _PRLIMIT = (62, 129), (234, 131), (302, 261)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANY = 0x7E020080  # every flag that makes a namespace
_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
# By version of Landlock: removing and making since 1, linking elsewhere since 2, cutting since 3.
_ALL_RIGHTS = ((1 << 13) - 1) & ~1
_NEWER_RIGHTS = ((2, 1 << 13), (3, _TRUNCATE))


def main() -> None:
    """Confines this process, then runs the command in it."""
    settings = json.loads(sys.argv[1])
    pipe = settings["pipe"]
    os.set_inheritable(pipe, False)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        _limit(settings["limits"])
        _call(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        _confine_files(libc, settings["readable"], settings["writable"])
        _confine_calls(libc, may_fork=settings["may_fork"])
        os.execve(sys.argv[2], sys.argv[2:], settings["environment"])
    except (OSError, ValueError, KeyError) as error:
        os.write(pipe, str(error).encode())
    os._exit(127)


def _call(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        number = getattr(resource, name)
        _, most = resource.getrlimit(number)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(number, (value, value))


def _confine_files(libc: ctypes.CDLL, readable: list[str], writable: list[str]) -> None:
    """Allows reading below some places and writing below others, and nothing else."""
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock (Linux 5.13 or newer has it)")
    rights = _ALL_RIGHTS
    for since, right in _NEWER_RIGHTS:
        rights |= right if version >= since else 0
    attribute = struct.pack("=Q", rights)
    ruleset = _call(libc.syscall(_LANDLOCK_CREATE, attribute, len(attribute), 0), "Landlock")
    for places, allowed in ((readable, _READ_FILE | _READ_DIR), (writable, rights)):
        for place in places:
            _allow(libc, ruleset, place, allowed)
    _call(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "Landlock")
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, place: str, rights: int) -> None:
    try:
        fd = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(place):
        rights &= _OF_FILES
    rule = struct.pack("=Qi", rights, fd)
    _call(libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0), f"Landlock for {place}")
    os.close(fd)


def _confine_calls(libc: ctypes.CDLL, *, may_fork: bool) -> None:
    code = b"".join(
        struct.pack("=HBBI", *step) for step in filter_program(os.getpid(), may_fork=may_fork)
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    _call(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0), "seccomp")


def filter_program(pid: int, *, may_fork: bool) -> list[tuple[int, int, int, int]]:
    """The filter of system calls as classic BPF: (code, jump if true, jump if false, operand).

    Raises:
        OSError: the machine is of another kind.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {machine}")
    place, architecture = _ARCHITECTURES[machine]
    denied, unknown = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NR),
    ]
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, denied)]
    for numbers in [*_CALLS.values(), *([] if may_fork else _FORKS.values())]:
        if (number := numbers[place]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]
    # The C library goes back to clone, whose flags can be seen.
    steps += [(_EQUAL, 0, 1, _CLONE3[place]), (_RETURN, 0, 0, unknown)]
    threads = [] if may_fork else [(_HAS_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, denied)]
    of_clone = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_HAS_BIT, 0, 1, _CLONE_NEW_ANY),
        (_RETURN, 0, 0, denied),
        *threads,
        (_RETURN, 0, 0, _ALLOW),
    ]
    steps += [(_EQUAL, 0, len(of_clone), _CLONE[place]), *of_clone]
    # About itself only; to kill, 0 would be its group.
    for numbers, itself in ((_KILL, pid), (_TGKILL, pid), (_PRLIMIT, 0)):
        steps += [
            (_EQUAL, 0, 5, numbers[place]),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_EQUAL, 1, 0, pid),
            (_EQUAL, 0, 1, itself),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, denied),
        ]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


if __name__ == "__main__":
    main()
