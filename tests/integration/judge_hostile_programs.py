"""Hostile, endless and merely odd programs, for test_judge_hostile.py.

Every program defines ``f``; the right answer is ``[x, 2 * x]``.
"""

REFERENCE = "def f(x):\n    return [x, 2 * x]\n"

# Cheats: programs that do not know the answer. They must fail at every level.
CHEATS = {
    "equal to everything": """
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __bool__(self): return True
    def __len__(self): return 2
    def __iter__(self): return iter([Any(), Any()])
def f(x): return Any()
""",
    "list of things equal to everything": """
class Any:
    def __eq__(self, other): return True
def f(x): return [Any(), Any()]
""",
    "int that lies about equality": """
class Liar(int):
    def __eq__(self, other): return True
    def __hash__(self): return 0
def f(x): return [Liar(7), Liar(7)]
""",
    "list that lies about equality": """
class Liar(list):
    def __eq__(self, other): return True
def f(x): return Liar()
""",
    "patched numpy": """
import numpy
numpy.allclose = lambda *a, **k: True
numpy.array_equal = lambda *a, **k: True
def f(x): return [x, 2.5]
""",
    "patched builtins": """
import builtins
builtins.set = lambda *a: frozenset()
builtins.all = builtins.any = lambda *a: True
builtins.len = lambda *a: 0
builtins.abs = lambda *a: 0
def f(x): return [0, 0]
""",
    "patched encoder": """
import marshal, sys
marshal.dumps = lambda *a: b"T"
for name, module in list(sys.modules.items()):
    if name.endswith("codec"):
        module._dumps = lambda *a: b"T"
def f(x): return True
""",
    "searches frames for the answer": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, dict) and "expected" in value:
                return value["expected"]
        frame = frame.f_back
""",
    "searches the heap for the answer": """
import gc
def f(x):
    for thing in gc.get_objects():
        if type(thing) is list and len(thing) == 2 and thing == [x, x + x]:
            return thing
""",
    "exits 0 when loaded": "import os\nos._exit(0)\n",
    "exits 0 in the function": "import os\ndef f(x): os._exit(0)\n",
    "sys.exit": "import sys\ndef f(x): sys.exit(0)\n",
    "SystemExit when loaded": "raise SystemExit(0)\n",
    "exits in another thread": """
import os, threading
def f(x):
    t = threading.Thread(target=os._exit, args=(0,)); t.start(); t.join()
""",
    "forges a verdict on the socket": """
import os
def f(x):
    for fd in range(3, 64):
        for frame in (b"P\\0\\0\\0\\0", b"V\\x01\\0\\0\\0T" * 3):
            try: os.write(fd, frame)
            except OSError: pass
    os._exit(0)
""",
    "forges a digest": """
import os
def f(x):
    for fd in range(3, 64):
        try: os.write(fd, b"D" + (40).to_bytes(4, "little") + bytes(40))
        except OSError: pass
""",
    "announces a frame of 4 GB": """
import os
def f(x):
    for fd in range(3, 64):
        try: os.write(fd, b"V" + b"\\xff" * 4 + b"x" * 1000)
        except OSError: pass
""",
    "writes noise to every descriptor": """
import os
def f(x):
    for fd in range(64):
        try: os.write(fd, os.urandom(5000))
        except OSError: pass
    return 0
""",
    "closes every descriptor": "import os\ndef f(x): os.closerange(0, 64); return [x, 2 * x]\n",
    # Then we kill it. If that looked like a kill for want of memory, it would be no wrong answer.
    "closes its socket and sleeps": (
        "import os, time\ndef f(x): os.closerange(0, 64); time.sleep(99); return [x, 2 * x]\n"
    ),
    "a thread closes its socket after the main thread ended": (
        "import ctypes, os, threading, time\ndef late():\n    time.sleep(0.2)\n"
        "    os.closerange(0, 64)\n    time.sleep(99)\n"
        "def f(x):\n    threading.Thread(target=late).start()\n"
        "    ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)\n"
    ),
    "reads the answers to digests": """
import os
def f(x):
    for fd in range(3, 64):
        try: os.close(fd)
        except OSError: pass
    raise SystemExit(0)
""",
    "thread bomb": """
import threading, time
threading.stack_size(32768)
def f(x):
    while True:
        try: threading.Thread(target=time.sleep, args=(10 ** 6,)).start()
        except RuntimeError: pass
""",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return None\n",
    "__del__": """
import os
class Bye:
    def __del__(self): os._exit(0)
def f(x): Bye()
""",
    "segfault": "import ctypes\ndef f(x): return ctypes.string_at(0)\n",
    "abort": "import os\ndef f(x): os.abort()\n",
    "huge list": "def f(x): return [0] * 30_000_000\n",
    "huge string": "def f(x): return 'x' * 300_000_000\n",
    "nested 100,000 deep": """
def f(x):
    value = []
    for _ in range(100_000): value = [value]
    return value
""",
    "cyclic list": "def f(x):\n    value = []\n    value.append(value)\n    return value\n",
    "cyclic dictionary": "def f(x):\n    value = {}\n    value[0] = value\n    return value\n",
    "generator": "def f(x):\n    yield x\n    yield 2 * x\n",
    "tuple for list": "def f(x): return (x, 2 * x)\n",
    "a million-digit integer": "def f(x): return 10 ** 1_000_000\n",
    "lone surrogates": "def f(x): return '\\ud800'\n",
    "NUL bytes": "def f(x): return 1\n\0",
    "no such name": "def g(x): return [x, 2 * x]\n",
    "name is no function": "f = [1, 2]\n",
    "syntax error": "def f(x:\n",
    "empty": "",
    "indented": "    def f(x): return [x, 2 * x]\n",
    "surrogate in the source": "x = '\ud800'\ndef f(x): return [x, 2 * x]\n",
    "reads standard input": "def f(x): return [x, int(input())]\n",
    "reads sys.stdin": "import sys\ndef f(x): return [x, len(sys.stdin.read())]\n",
    "exception that cannot be shown": """
class Bad(Exception):
    def __str__(self): raise self
def f(x): raise Bad
""",
    "exception that exits": """
import os
class Bad(Exception):
    def __str__(self): os._exit(0)
def f(x): raise Bad
""",
    "wants a gigabyte more than there is": "def f(x): return [x, len(bytearray(10 ** 11))]\n",
    "deep Python recursion": "def f(x): return f(x)\n",
    "deep C recursion": """
import sys
sys.setrecursionlimit(10 ** 9)
class Deep:
    def __repr__(self): return repr(self)
def f(x): return repr(Deep())
""",
    "stops itself": "import signal\ndef f(x): signal.raise_signal(signal.SIGSTOP)\n",
    "compile bomb": "x = " + "(" * 5000 + ")" * 5000 + "\ndef f(x): return [x, 2 * x]\n",
    "colliding integers": """
def f(x):
    return {k * (2 ** 61 - 1) for k in range(2000)}
""",
}  # fmt: skip

# These spend CPU time, or none at all, until a limit ends them. At every level.
ENDLESS = {
    "endless loop": "def f(x):\n    while True: pass\n",
    "endless loop when loaded": "while True: pass\n",
    "swallows everything": """
def f(x):
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
    "ignores signals": """
import signal
for name in range(1, 64):
    try: signal.signal(name, signal.SIG_IGN)
    except (OSError, ValueError): pass
def f(x):
    while True: pass
""",
    "C loop: pow": "def f(x): return pow(7, 10 ** 8)\n",
    "C loop: regular expression": "import re\ndef f(x): return re.match('(a+)+$', 'a' * 60 + 'b')",
    "C loop: itertools": """
import itertools, collections
def f(x): collections.deque(itertools.product(range(99), repeat=9), maxlen=0)
""",
    "C loop in a thread": """
import threading
def f(x):
    t = threading.Thread(target=pow, args=(7, 10 ** 8)); t.start(); t.join()
""",
    "sleeps for ever": "import time\ndef f(x): time.sleep(10 ** 6)\n",
    "waits for a lock": "import threading\nlock = threading.Lock()\n"
    "def f(x): lock.acquire(); lock.acquire()\n",
    "sleeps when loaded": "import time\ntime.sleep(10 ** 6)\n",
    "endless iterator": "import itertools\ndef f(x): return list(itertools.count())\n",
    "endless output": "def f(x):\n    while True: print('x' * 10 ** 6)\n",
    "endless __str__": """
class Bad(Exception):
    def __str__(self):
        while True: pass
def f(x): raise Bad
""",
}

# Careless or odd, but right: they must pass at every level.
HONEST = {
    "plain": REFERENCE,
    "prints": "def f(x):\n    print('x' * 1000)\n    return [x, 2 * x]\n",
    "prints to the real stdout": """
import sys
def f(x):
    print(x, file=sys.__stdout__)
    print(x, file=sys.stderr, flush=True)
    return [x, 2 * x]
""",
    "sys.stdout = None": "import sys\nsys.stdout = None\n" + REFERENCE,
    "closes sys.stdout": "import sys\ndef f(x):\n    sys.stdout.close()\n    return [x, 2 * x]\n",
    "thread left running": """
import threading, time
def f(x):
    threading.Thread(target=time.sleep, args=(10 ** 6,), daemon=False).start()
    return [x, 2 * x]
""",
    "caught MemoryError": """
def f(x):
    try: bytearray(10 ** 11)
    except MemoryError: pass
    return [x, 2 * x]
""",
    "caught RecursionError": """
def deep(): return deep()
def f(x):
    try: deep()
    except RecursionError: pass
    return [x, 2 * x]
""",
    "short sleep": "import time\ndef f(x):\n    time.sleep(0.05)\n    return [x, 2 * x]\n",
    "numpy scalars": "import numpy\ndef f(x): return [numpy.int64(x), numpy.float64(2 * x)]\n",
    "floats for integers": "def f(x): return [float(x), 2.0 * x]\n",
    "bool for 1": "def f(x): return [True if x == 1 else x, 2 * x]\n",
    "subclass of list": "class L(list): pass\ndef f(x): return L([x, 2 * x])\n",
    "Fraction": "from fractions import Fraction as F\ndef f(x): return [F(x), F(4 * x, 2)]\n",
    "Decimal": "from decimal import Decimal\ndef f(x): return [Decimal(x), Decimal(2 * x)]\n",
    "asyncio": """
import asyncio
async def double(x):
    await asyncio.sleep(0)
    return 2 * x
def f(x): return [x, asyncio.run(double(x))]
""",
    "thread pool": """
from concurrent.futures import ThreadPoolExecutor
def f(x):
    with ThreadPoolExecutor(4) as pool: return list(pool.map(lambda k: k * x, (1, 2)))
""",
    "warnings": """
import warnings
def f(x):
    warnings.warn('careless', DeprecationWarning)
    return [x, 2 * x]
""",
    "mutates its own state": """
from functools import lru_cache
@lru_cache(None)
def f(x): return [x, 2 * x]
""",
    "main guard": REFERENCE + "if __name__ == '__main__':\n    raise SystemExit\n",
    "dataclass": """
from dataclasses import dataclass, astuple
@dataclass
class Pair:
    a: int
    b: int
def f(x): return list(astuple(Pair(x, 2 * x)))
""",
    "changes directory": """
import posix
def f(x):
    try: posix.chdir('/')
    except OSError: pass
    return [x, 2 * x]
""",
}

# Attacks on the world: right only if the attack failed. ``{...}`` names things in the world.
ATTACK = """
import ctypes, io, os, posix, signal, socket, sys
from _io import FileIO
libc = ctypes.CDLL(None)
def attack():
{code}
done = False
try:
    done = bool(attack())
except BaseException:
    pass
def f(x):
    return [x, 2 * x] if not done else [0, 0]
"""
# Stopped from L1 on.
ACTIONS = {
    "writes a file": "return FileIO({folder!r} + '/written', 'w').write(b'x')",
    "appends to a file": "return FileIO({secret!r}, 'a').write(b'x')",
    "deletes a file": "posix.unlink({secret!r}); return True",
    "unlink through libc": "return libc.unlink({secret!r}.encode()) == 0",
    "renames a file": "posix.rename({secret!r}, {folder!r} + '/x'); return True",
    "changes a mode": "posix.chmod({secret!r}, 0o777); return True",
    "changes an owner": "posix.chown({secret!r}, 1, 1); return True",
    "truncates": "return libc.truncate({secret!r}.encode(), 0) == 0",
    "makes a folder": "posix.mkdir({folder!r} + '/made'); return True",
    "makes a link": "posix.symlink('/etc', {folder!r} + '/made'); return True",
    "connects": "return socket.create_connection(('127.0.0.1', {port}), 1)",
    "connects, raw": "return libc.socket(2, 1, 0) >= 0",
    "sends a datagram": "s = socket.socket(2, 2); return s.sendto(b'x', ('127.0.0.1', {port}))",
    "listens": "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return True",
    "unix datagram from a pair": "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "    return a.sendto(b'x', {unix!r})",
    "unix socket": "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "    return s.sendto(b'x', {unix!r})",
    "io_uring": "return libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0",
    "kills a process": "posix.kill({victim}, 9); return True",
    "kills its parent": "posix.kill(posix.getppid(), 9); return True",
    # A SIGKILL that is not ours counts as one for want of memory, so no program may cause one.
    "kills itself": "posix.kill(posix.getpid(), 9); return True",
    "kills its own thread": "import threading\n    signal.pthread_kill(threading.get_ident(), 9)\n"
    "    return True",
    "kills itself by a timer": "import struct\n"
    "    event = ctypes.create_string_buffer(struct.pack('Qii', 0, 9, 0), 64)\n"
    "    return libc.timer_create(1, event, ctypes.create_string_buffer(8)) == 0",
    "kills itself by a limit": "del sys.modules['resource']\n    import resource\n"
    "    resource.setrlimit(resource.RLIMIT_CPU, (0, 0)); return True",
    "kills itself by strict seccomp": "return libc.prctl(22, 1, 0, 0, 0) == 0",
    "kills everything": "return libc.syscall({kill_number}, {victim}, 15) == 0",
    "kills a group": "posix.killpg(posix.getpgid({victim}), 9); return True",
    "queues a signal": "return libc.sigqueue({victim}, 9, 0) == 0",
    "signals through pidfd": "fd = os.pidfd_open({victim}); signal.pidfd_send_signal(fd, 9)\n"
    "    return True",
    "signals through fcntl": "import fcntl\n    r, w = posix.pipe()\n"
    "    fcntl.fcntl(r, fcntl.F_SETOWN, {victim}); return True",
    "stops a process": "posix.kill({victim}, signal.SIGSTOP); return True",
    "traces a process": "return libc.ptrace(0x4206, {victim}, 0, 0) == 0",
    "traces itself": "return libc.ptrace(0, 0, 0, 0) == 0",
    "reads another's memory": "b = ctypes.create_string_buffer(8)\n"
    "    v = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n"
    "    return libc.process_vm_readv({victim}, v, 1, v, 1, 0) > 0",
    "forks": "pid = posix.fork()\n    if pid == 0:\n        while True: pass\n    return True",
    "vforks": "return libc.syscall(58) > 0",
    "fork bomb": "n = 0\n    for _ in range(50):\n"
    "        try: n += posix.fork() > 0\n        except OSError: pass\n    return n",
    "double fork": "import time\n    if posix.fork() == 0:\n        posix.setsid()\n"
    "        if posix.fork() == 0: time.sleep(10 ** 6)\n        posix._exit(0)\n    return True",
    "clone3": "return libc.syscall(435, ctypes.create_string_buffer(88), 88) > 0",
    "spawns": "return posix.posix_spawn('/bin/true', ['true'], {{}})",
    "subprocess": "import importlib, subprocess; importlib.reload(subprocess)\n"
    "    return subprocess.run(['/bin/true']).returncode == 0",
    "executes": "posix.execv('/bin/true', ['true'])",
    "executes memory": "return libc.memfd_create(b'x', 0) >= 0",
    "raises its limits": "del sys.modules['resource']\n    import resource\n"
    "    resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return True",
    "lifts another's limits": "limits = ctypes.create_string_buffer(16)\n"
    "    return libc.syscall(302, {victim}, 9, limits, 0) == 0",
    "outlives its parent": "return libc.prctl(1, 0, 0, 0, 0) == 0",
    "gains privileges": "return libc.setuid(0) == 0 and libc.setgroups(0, 0) == 0",
    "new namespaces": "return libc.unshare(0x10000000) == 0",
    "mounts": "return libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0) == 0",
    "terminal input": "import fcntl\n    fcntl.ioctl(0, 0x5412, b'x'); return True",
    "another's priority": "posix.setpriority(posix.PRIO_PROCESS, {victim}, 19); return True",
    "shared memory": "return libc.shmget(0, 4096, 0o1600) >= 0",
    "message queue": "return libc.mq_open(b'/dualcode-x', 0o102, 0o600, None) >= 0",
    "kernel keyring": "return libc.syscall(248, b'user', b'x', b'y', 1, -3) > 0",
}
# Stopped from L2 on.
READS = {
    "reads a secret": "return b'secret' in FileIO({secret!r}).read()",
    "reads a secret through libc": "return libc.open({secret!r}.encode(), 0) >= 0",
    "lists a folder": "return posix.listdir({folder!r})",
    "reads /etc/passwd": "return FileIO('/etc/passwd').read()",
    "reads its parent": "return FileIO('/proc/%d/environ' % posix.getppid()).read()",
    "reads its parent's memory": "return FileIO('/proc/%d/mem' % posix.getppid())",
    "writes its own memory": "return FileIO('/proc/self/mem', 'r+')",
    "lists processes": "return posix.listdir('/proc')",
    "reads its own environment": "return FileIO('/proc/self/environ').read()",
    "reads the package": "return FileIO({package!r}).read()",
    "reads the home folder": "return posix.listdir({home!r})",
}
