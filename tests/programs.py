"""Programs that cost next to nothing to start: forked from a process that has loaded everything they import.

What differs from ``python -m bot``: Python itself and the modules are there already. All else is the program's own:
its process, arguments, folder, environment, streams, signals and exit status. What Python reads from the environment
when it starts (``PYTHON…``) comes too late here, so whoever gives it, or wants to see a cold start, takes ``fresh``.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

ROOT = Path(__file__).parents[1]
STREAMS = 3  # stdin, stdout, stderr
ERRANDS = ("bot.errands.run", "bot.errands.check", "bot.errands.digest", "bot.errands.ledger")
LOADED = (*ERRANDS, "bot.store.migrations", "tests.scenes.stage")
MESSAGE = 1 << 20  # bytes; arguments and an environment are far smaller


class Program:
    """One that runs; as much of ``asyncio.subprocess.Process`` as tests use."""

    def __init__(self, streams: Sequence["_Stream"], pid: int) -> None:
        stdin, stdout, stderr, end = streams
        self.stdin, self.stdout, self.stderr = stdin.transport, stdout.reader, stderr.reader
        self.pid = pid
        self.returncode: int | None = None
        self._streams = streams
        self._end = asyncio.create_task(self._ended(end.reader))

    @classmethod
    async def start(cls, module: str, *arguments: str, folder: Path, env: Mapping[str, str]) -> Self:
        """``python -m module …`` in ``folder``, with nothing in its environment but ``env``."""
        pairs = [socket.socketpair() for _ in range(STREAMS + 1)]
        told = {"module": module, "arguments": arguments, "folder": str(folder), "env": dict(env)}
        _MOTHER.fork(told, [theirs for _, theirs in pairs])
        loop = asyncio.get_running_loop()
        streams = [(await loop.create_connection(_Stream, sock=ours))[1] for ours, _ in pairs]
        return cls(streams, int(await streams[-1].reader.readline()))

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it says from here on, once it has ended."""
        self.stdin.close()
        said = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return said[0], said[1]

    async def wait(self) -> int:
        """Its exit status; -9 when SIGKILL has ended it."""
        return await asyncio.shield(self._end)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def _ended(self, told: asyncio.StreamReader) -> int:
        self.returncode = int(await told.readline())
        await asyncio.gather(*(stream.closed.wait() for stream in self._streams))
        return self.returncode


class _Stream(asyncio.StreamReaderProtocol):
    """Our end of a stream; closed as soon as the other side is."""

    transport: asyncio.WriteTransport

    def __init__(self) -> None:
        self.reader, self.closed = asyncio.StreamReader(), asyncio.Event()
        super().__init__(self.reader)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.WriteTransport):
            self.transport = transport

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.closed.set()


async def fresh(*words: str, folder: Path, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    """``python …``, loading all that it needs."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *words),
        cwd=folder,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


class _Mother:
    """The process that has everything loaded, from the first program on until `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def fork(self, told: Mapping[str, Any], sockets: list[socket.socket]) -> None:
        """Tells it to start one program on these sockets: the streams and the one that hears of pid and end."""
        line = self._line or self._begin()
        socket.send_fds(line, [json.dumps(told).encode()], [one.fileno() for one in sockets])
        for one in sockets:
            one.close()

    def _begin(self) -> socket.socket:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = (sys.executable, "-m", "tests.programs", str(theirs.fileno()))
        env = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE  # like the streams that the programs get: nothing that one can seek in
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], stdin=pipe, stdout=pipe
            )
        return self._line

    def close(self) -> None:
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.communicate(timeout=10)


_MOTHER = _Mother()
close = _MOTHER.close


# ---------------------------------------------------------------- the process that has everything loaded


def main(line: socket.socket) -> None:
    """Returns in each program's process alone."""
    for name in LOADED:
        importlib.import_module(name)
    asyncio.run(_warm_up())
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nurses need nobody to wait for them
    while True:
        told, fds, *_ = socket.recv_fds(line, MESSAGE, STREAMS + 1)
        if not told:
            os._exit(0)
        if os.fork() == 0:
            line.close()
            _nurse(json.loads(told), fds)
            return
        for fd in fds:
            os.close(fd)


async def _warm_up() -> None:
    """A database made and read, which imports what is imported for the first one only; no thread is left after it."""
    from bot.store import Store  # noqa: PLC0415  the tests' side of this module loads nothing of the bot's

    with tempfile.TemporaryDirectory() as folder:
        await (await Store.open(f"sqlite+aiosqlite:///{folder}/patches.db")).close()


def _nurse(told: Mapping[str, Any], fds: list[int]) -> None:
    """Forks the program, in whose process alone this returns; waits for it and tells how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, end = fds
    pid = os.fork()
    if pid:
        for fd in streams:
            os.close(fd)
        _await(pid, end)
    os.close(end)
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["env"])
    random.seed()
    sys.argv[1:] = told["arguments"]
    runpy.run_module(told["module"], run_name="__main__", alter_sys=True)


def _await(pid: int, end: int) -> NoReturn:
    os.write(end, f"{pid}\n".encode())
    os.write(end, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
