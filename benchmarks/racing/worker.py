"""A program that speaks the line protocol (line_protocol.hpp, peers/protocol.py), as a process."""
import os
import re
import selectors
import shlex
import subprocess
import tempfile
import time

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class WorkerError(Exception):
    """The worker said no, died, or did not answer in time."""


class Worker:
    """command: words as a shell takes them, with assignments to environment variables in front."""

    def __init__(self, command: str, threads: int, timeout: float):
        words = shlex.split(command)
        environment = dict(os.environ, PEER_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
        while words and ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        self.timeout = timeout
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                            text=True, bufsize=1, env=environment)
        except OSError as error:
            raise WorkerError(f"does not start: {error}") from error
        self.answers = selectors.DefaultSelector()
        self.answers.register(self.process.stdout, selectors.EVENT_READ)

    def setup(self, words: str) -> None:
        """words: B T I H L threads mode."""
        answer = self._ask(f"setup {words}")
        if not answer.startswith("ok"):
            raise WorkerError(answer.removeprefix("no").strip() or "said no")

    def run(self, milliseconds: float) -> float:
        """Seconds per iteration, over about so long."""
        answer = self._ask(f"run {milliseconds:g}")
        try:
            return float(answer)
        except ValueError:
            raise WorkerError(answer) from None

    def cpu_seconds(self) -> float:
        """What the process has used so far; 0 where that cannot be told."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return 0.0

    def close(self) -> None:
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.flush()
                self.process.wait(5)
            except (OSError, ValueError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            try:
                file.close()
            except OSError:
                pass
        self.answers.close()

    def _ask(self, line: str) -> str:
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            raise WorkerError(self._last_words()) from None
        if not self.answers.select(self.timeout):
            self.process.kill()
            raise WorkerError(f"no answer to '{line}' in {self.timeout:g} s")
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise WorkerError(self._last_words())
        return answer

    def _last_words(self) -> str:
        """Why it is gone: exit status and the last line that it wrote to standard error."""
        deadline = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return f"died with status {self.process.poll()}" + (f": {lines[-1][:160]}" if lines else "")
