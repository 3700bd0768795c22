"""A small independent SPITS peer that behaves as the reference runtime is described to, to interoperate with.

``reference_peer.py tm JOB PORT WORKERS MODULE [ARG...]`` or ``reference_peer.py jm JOB NODES MODULE [ARG...]``, where
NODES is ``host:port,host:port``. It shares no code with the runtime: blocking sockets, one connection at a time, serial
loops, no TCP_NODELAY, a full queue answered by 0x0204 followed by 0x0203. ``REFERENCE_PEER_IGNORES`` is how many
connections a task manager leaves unanswered at first; a job manager notes in ``left.log`` how many
tasks it lacks after each round.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import select
import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

PUSH = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_longlong, ctypes.c_void_p)
RUNNER = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_longlong,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_longlong),
)


class Wire:
    def __init__(self, connection: Any, job: Any) -> None:
        self.connection = connection
        self.put_text(job)
        if self.text() != job:
            raise ConnectionError("another job")

    def exactly(self, size: Any) -> Any:
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def number(self) -> Any:
        return struct.unpack(">q", self.exactly(8))[0]

    def text(self) -> Any:
        return self.exactly(struct.unpack(">I", self.exactly(4))[0]).decode()

    def blob(self) -> Any:
        return self.exactly(self.number())

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.connection.sendall(struct.pack(">q", number))

    def put_text(self, text: Any) -> None:
        self.connection.sendall(struct.pack(">I", len(text.encode())))
        self.connection.sendall(text.encode())

    def put_blob(self, data: Any) -> None:
        self.put(len(data))
        if data:
            self.connection.sendall(data)


class Module:
    def __init__(self, path: Any, arguments: Any) -> None:
        self.library = ctypes.CDLL(Path(path).resolve())
        values = [path, *arguments]
        self.argc = len(values)
        self.argv = (ctypes.c_char_p * (self.argc + 1))(*[value.encode() for value in values], None)
        self.library.spits_metrics_new.restype = ctypes.c_void_p
        self.metrics = ctypes.c_void_p(self.library.spits_metrics_new(10))

    def new(self, role: Any, *jobinfo: Any) -> Any:
        function = getattr(self.library, f"spits_{role}_new")
        function.restype = ctypes.c_void_p
        return ctypes.c_void_p(function(self.argc, self.argv, *jobinfo, self.metrics))

    def call(self, name: Any, role: Any, *arguments: Any, context: Any = 0) -> Any:
        pushed = []
        push = PUSH(lambda data, size, _: pushed.append(ctypes.string_at(data, size)))
        status = getattr(self.library, f"spits_{name}")(role, *arguments, push, ctypes.c_void_p(context))
        return status, pushed


class TaskManager:
    def __init__(self, job: Any, port: Any, workers: Any, module: Any) -> None:
        self.job = job
        self.module = module
        self.workers = workers
        self.tasks = queue.Queue()
        self.results = queue.Queue()
        self.port = port
        self.to_ignore = int(os.environ.get("REFERENCE_PEER_IGNORES", "0"))
        self.ignored = []

    def serve(self) -> None:
        for _ in range(self.workers):
            threading.Thread(target=self.work, daemon=True).start()
        with socket.create_server(("127.0.0.1", self.port)) as self.server:
            while True:
                connection, _ = self.server.accept()
                connection.settimeout(300)
                with connection:
                    try:
                        self.answer(Wire(connection, self.job))
                    except OSError:
                        continue

    def work(self) -> None:
        worker = self.module.new("worker")
        while True:
            task_id, run_id, data = self.tasks.get()
            size = ctypes.c_longlong(len(data))
            status, pushed = self.module.call("worker_run", worker, data, size, context=task_id)
            self.results.put((task_id, run_id, status, pushed[0]))

    def answer(self, wire: Any) -> None:
        kind = wire.number()
        if kind == 0x0201:
            self.take(wire)
        elif kind == 0x0101:
            self.hand_over(wire)
        elif kind == 0x0401:
            wire.put_text(json.dumps({}))
        elif kind == 0xFFFF:
            os._exit(0)

    def take(self, wire: Any) -> None:
        full = self.tasks.qsize() >= self.workers
        wire.put(0x0203 if full else 0x0202)
        while not full:
            task_id, run_id, data = wire.number(), wire.number(), wire.blob()
            if len(self.ignored) < self.to_ignore:
                self.ignore_one()
            if self.tasks.qsize() >= self.workers:
                wire.put(0x0204, 0x0203)
                return
            self.tasks.put((task_id, run_id, data))
            full = self.tasks.qsize() > self.workers  # lets one more come than it takes, so that it must reject
            wire.put(0x0203 if full else 0x0202)

    def ignore_one(self) -> None:
        """Have this conversation last until somebody else has knocked, who is never answered."""
        select.select([self.server], [], [])
        self.ignored.append(self.server.accept())

    def hand_over(self, wire: Any) -> None:
        while not self.results.empty():
            task_id, run_id, status, data = result = self.results.get()
            try:
                wire.put(task_id, run_id, status)
                wire.put_blob(data)
                if wire.number() != 0x0101:
                    raise ConnectionError("not acknowledged")
            except OSError:
                self.results.put(result)
                raise
        wire.put(0)


class JobManager:
    def __init__(self, job: Any, nodes: Any, module: Any) -> None:
        self.job = job
        self.nodes = nodes
        self.module = module
        self.run_id = 0
        self.keep = []

    def main(self) -> Any:
        runner = RUNNER(self.run)
        status = self.module.library.spits_main(self.module.argc, self.module.argv, runner)
        for node in self.nodes:
            self.converse(node, 0xFFFF, lambda _: None)
        return status

    def run(self, _argc: Any, _argv: Any, info: Any, size: Any, result: Any, result_size: Any) -> Any:
        self.run_id += 1
        jobinfo = (ctypes.c_void_p(info), ctypes.c_longlong(size))
        source, committer = self.module.new("job_manager", *jobinfo), self.module.new("committer", *jobinfo)
        waiting, task_id = {}, 1
        while (pushed := self.module.call("job_manager_next_task", source, context=task_id))[0]:
            waiting[task_id] = pushed[1][0]
            task_id += 1
        self.distribute(waiting, committer)
        text = self.module.call("committer_commit_job", committer)[1][0]
        self.keep.append(ctypes.create_string_buffer(text, len(text) + 1))
        result[0] = ctypes.cast(self.keep[-1], ctypes.c_void_p).value
        result_size[0] = len(text)
        return 0

    def distribute(self, waiting: Any, committer: Any) -> None:
        unsent = list(waiting)
        while waiting:
            for node in self.nodes:
                self.converse(node, 0x0200, lambda _: None)
                self.converse(node, 0x0201, lambda wire: self.send(wire, unsent, waiting))
                self.converse(node, 0x0101, lambda wire: self.collect(wire, waiting, committer))
            with Path("left.log").open("a", encoding="utf-8") as log:
                print(len(waiting), file=log)
            if not unsent:
                time.sleep(0.02)

    def send(self, wire: Any, unsent: Any, waiting: Any) -> None:
        while wire.number() == 0x0202 and unsent:
            task_id = unsent[0]
            wire.put(task_id, self.run_id)
            wire.put_blob(waiting[task_id])
            if task_id in waiting:
                unsent.pop(0)

    def collect(self, wire: Any, waiting: Any, committer: Any) -> None:
        while task_id := wire.number():
            run_id, status, data = wire.number(), wire.number(), wire.blob()
            assert status == 0, f"task {task_id} returned {status}"
            if run_id == self.run_id and waiting.pop(task_id, None) is not None:
                self.module.library.spits_committer_commit_pit(committer, data, ctypes.c_longlong(len(data)))
            wire.put(0x0101)

    def converse(self, node: Any, kind: Any, exchange: Any) -> None:
        try:
            with socket.create_connection(node, timeout=300) as connection:
                wire = Wire(connection, self.job)
                wire.put(kind)
                exchange(wire)
        except OSError:
            time.sleep(0.02)


def main(role: Any, job: Any, where: Any, *rest: Any) -> Any:
    if role == "tm":
        TaskManager(job, int(where), int(rest[0]), Module(rest[1], rest[2:])).serve()
        return 0
    nodes = [(host, int(port)) for host, _, port in (node.partition(":") for node in where.split(","))]
    return JobManager(job, nodes, Module(rest[0], rest[1:])).main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
