"""Three nodes of Henge or of etcd on loopback, and how to load them."""

import json
import os
import re
import shutil
import subprocess

from . import processes

NODES = 3


class Cluster:
    """A context manager: three running nodes with fresh data directories under `folder`."""

    name = ""

    def __init__(self, folder):
        self.folder = os.path.join(folder, self.name)
        self._processes = processes.Processes()
        self.nodes = []

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        ports = processes.free_ports(3 * NODES)
        self.client_ports, self.peer_ports, self.admin_ports = ports[:NODES], ports[NODES:2 * NODES], ports[2 * NODES:]
        try:
            self.nodes = [self._processes.start(self._command(i), self._log(i), cwd=self.folder) for i in range(NODES)]
            processes.wait_until(self._ready, self._processes, f"the {self.name} cluster")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self._processes.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def endpoints(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.client_ports)

    @property
    def pids(self):
        return [node.pid for node in self.nodes]

    def check(self):
        self._processes.check()

    def bench_command(self, *arguments):
        return [*self._bench_command(), "--json", "--watch-pid", ",".join(map(str, self.pids)), *arguments]

    def bench(self, arguments, timeout_s):
        """The figures of a benchmark on this cluster; every request must have succeeded."""
        return self.judged(processes.run_to_end(self.bench_command(*arguments), self._processes, timeout_s))

    def judged(self, output):
        figures = json.loads(output)
        for stage in figures["stages"]:
            for kind in ("put", "get"):
                ops = stage[kind]
                if ops and (ops["errors"] or ops["misses"]):
                    raise processes.Failure(
                        f"{self.name}, {kind}, {stage['clients']} clients: {ops['errors']} requests failed and "
                        f"{ops['misses']} found nothing, of {ops['ops']}: {ops.get('first_error', 'no error text')}")
        return figures

    def _log(self, i):
        return os.path.join(self.folder, f"n{i + 1}.log")

    def _data(self, i):
        return os.path.join(self.folder, f"n{i + 1}")


class EtcdCluster(Cluster):
    """etcd as Debian ships it, with its defaults: fsync before ack. The quota is raised, so that a long run fits."""

    name = "etcd"

    def __init__(self, folder, build):
        super().__init__(folder)
        self._etcd = processes.need_program("etcd", "etcd-server")
        self._etcdctl = processes.need_program("etcdctl", "etcd-client")
        self._bench = processes.need_binary("henge-etcd-bench", build)

    def _command(self, i):
        peers = ",".join(f"n{j + 1}=http://127.0.0.1:{port}" for j, port in enumerate(self.peer_ports))
        client, peer = (f"http://127.0.0.1:{ports[i]}" for ports in (self.client_ports, self.peer_ports))
        return [self._etcd, "--name", f"n{i + 1}", "--data-dir", self._data(i), "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", peers, "--initial-cluster-state", "new", "--initial-cluster-token", "compare",
                "--logger", "zap", "--quota-backend-bytes", str(8 << 30)]

    def _ready(self):
        health = subprocess.run([self._etcdctl, "--endpoints", self.endpoints, "endpoint", "health"], check=False,
                                env={**processes.environment(), "ETCDCTL_API": "3"}, capture_output=True)
        return health.returncode == 0

    def _bench_command(self):
        return [self._bench, "--endpoints", self.endpoints]


class HengeCluster(Cluster):
    """henged with its defaults: three replicas, fsync before ack, two of three for reads and writes."""

    name = "henge"

    def __init__(self, folder, build):
        super().__init__(folder)
        self._henged = processes.need_binary("henged", build)
        self._henge = processes.need_binary("henge", build)

    def _command(self, i):
        members = ",".join(f"n{j + 1}=127.0.0.1:{client}/127.0.0.1:{peer}"
                           for j, (client, peer) in enumerate(zip(self.client_ports, self.peer_ports)))
        return [self._henged, "--name", f"n{i + 1}", "--data-dir", self._data(i), "--initial-cluster", members,
                "--ready-file", self._ready_file(i)]

    def _ready_file(self, i):
        return os.path.join(self.folder, f"n{i + 1}.ready")

    def _ready(self):
        """All serve, and have found each other: writes through the SDK, spread over all nodes, succeed."""
        if not all(os.path.exists(self._ready_file(i)) for i in range(NODES)):
            return False
        probe = subprocess.run([*self._bench_command(), "--key-prefix", "ready:", "--keys", "64", "--ops", "1",
                                "--warm-up", "0"], check=False, capture_output=True, env=processes.environment())
        return probe.returncode == 0

    def _bench_command(self):
        return [self._henge, "bench", "--endpoints", self.endpoints]

    def memory_bound_bytes(self, i):
        """What the node's settings let it hold in caches, buffers and queues; the program itself comes on top."""
        lines = subprocess.run([*self._command(i), "--check-config"], check=True, capture_output=True, text=True,
                               env=processes.environment()).stdout
        settings = dict(_SETTING.match(line).groups() for line in lines.splitlines() if _SETTING.match(line))
        size = {name: _bytes(value) for name, value in settings.items()}
        shards = size["shards"] or min(8, os.cpu_count())
        return (size["store.block_cache"] + size["store.record_cache"] + size["store.write_buffer"] * size["store.write_buffers"]
                + shards * size["limits.in_flight_bytes"] + (NODES - 1) * size["limits.peer_queue"]
                + size["limits.network_memory"])


_SETTING = re.compile(r"^\s*([a-z_.]+)\s*=\s*\"?([^\"\s]*)")
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "B": 1, "": 1}


def _bytes(text):
    """The number in a setting such as 64MiB; None for any other text."""
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    return int(match.group(1)) * _UNITS[match.group(2)] if match and match.group(2) in _UNITS else None
