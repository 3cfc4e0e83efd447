#!/usr/bin/env python3
"""The part of scripts/demo that runs once everything is built: three nodes, real data, one of them killed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

from perf import clusters, processes  # noqa: E402

TOP = os.path.dirname(HERE)
DATA = os.path.join(HERE, "demo_data.py")
SECOND_IMPORT_RECORDS = 20_000
VICTIM = 2  # n3


def say(text):
    print(text, file=sys.stderr, flush=True)


def step(text):
    say(f"== {text}")


class DemoCluster(clusters.HengeCluster):
    """Three nodes, of which one is killed and started again on its old data."""

    def ended_by_kill(self, i):
        """Node i was sent SIGKILL; waits for its end."""
        self._processes.forget(self.nodes[i])
        os.unlink(self._ready_file(i))

    def restart(self, i):
        self.nodes[i] = self._processes.start(self._command(i), self._log(i), cwd=self.folder)
        processes.wait_until(self._ready, self._processes, f"n{i + 1}")

    def endpoint(self, i):
        return f"127.0.0.1:{self.client_ports[i]}"


class Demo:
    def __init__(self, cluster, folder, build):
        self.cluster = cluster
        self.henge_path = os.path.join(build, "bin", "henge")
        self.packages = os.path.join(folder, "packages.jsonl")
        self.copies = os.path.join(folder, "copies.jsonl")

    def henge(self, *arguments, endpoints=None, stdin=None, capture=False):
        """Runs the henge command and returns its output if that is wanted; a failure of it fails the demo."""
        command = [self.henge_path, "--endpoint", endpoints or self.cluster.endpoints, *arguments]
        done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE if capture else None,
                              check=False, env=processes.environment())
        if done.returncode != 0:
            self.cluster.check()
            raise processes.Failure(f"{' '.join(command)}\n  ended with status {done.returncode}")
        return done.stdout

    def load_packages(self):
        step("Importing the package database of this machine: every stanza, under its package's name")
        with open(self.packages, "wb") as file:
            subprocess.run([sys.executable, DATA, "packages"], stdout=file, check=True)
        self.henge("import", self.packages)

    def read_back(self):
        for i in range(clusters.NODES):
            step(f"Reading every value back through n{i + 1} and comparing it byte for byte")
            self.henge("--direct", "verify", self.packages, endpoints=self.cluster.endpoint(i))

    def import_and_kill(self):
        step(f"A second import, {SECOND_IMPORT_RECORDS} records or more; n{VICTIM + 1} is killed in the middle of it")
        victim = str(self.cluster.nodes[VICTIM].pid)
        with subprocess.Popen([sys.executable, DATA, "copies", self.packages, str(SECOND_IMPORT_RECORDS), victim,
                               self.copies], stdout=subprocess.PIPE) as feeder:
            self.henge("import", "-", stdin=feeder.stdout)
            feeder.stdout.close()
        if feeder.returncode != 0:
            raise processes.Failure("the import ended early")
        self.cluster.ended_by_kill(VICTIM)
        say("   no write failed")
        step("Reading everything back from the two that are left")
        self.henge("verify", self.copies)

    def heal(self):
        step(f"Starting n{VICTIM + 1} again on its old data, and reading everything from all three replicas")
        self.cluster.restart(VICTIM)
        processes.wait_until(self.all_connected, None, "the connection of the nodes")
        for path in (self.packages, self.copies):
            self.henge("--consistency", "all", "verify", path)
        step("Once more, until no replica is behind: the reads have repaired them")
        processes.wait_until(self.replicas_equal, None, "the repair of the replicas")
        say("   each of the three replicas of each key answered, and all are equal")

    def all_connected(self):
        members = json.loads(self.henge("-o", "json", "status", capture=True))["members"]
        return all(member["reachable"] and all(peer["connected"] and not peer["disqualified"]
                                               for peer in member["status"]["peers"]) for member in members)

    def replicas_equal(self):
        behind = 0
        for path in (self.packages, self.copies):
            figures = json.loads(self.henge("--consistency", "all", "-o", "json", "verify", path, capture=True))
            if figures["replicas_answered_min"] != clusters.NODES:
                raise processes.Failure(f"only {figures['replicas_answered_min']} replicas answered")
            behind += figures["replicas_behind"]
        return behind == 0

    def show(self):
        step("One key, as its replicas have it: henge explain dpkg")
        self.henge("explain", "dpkg")
        step("henge status")
        self.henge("-o", "table", "status")
        step("henge ring")
        self.henge("-o", "table", "ring")


def stay(demo):
    say(f"""
The cluster stays up until Ctrl-C. Next, in another terminal:

  cd {os.getcwd()}
  export HENGE_ENDPOINT={demo.cluster.endpoints}
  alias henge={demo.henge_path}
  henge get bash                       # a value
  henge explain bash                   # where it lies, and what each replica holds
  henge put greeting hello             # a write; once more makes a sibling, as it saw nothing
  henge scan                           # all keys, in the order of the ring
  henge bench --clients 64             # how fast
  kill -9 {demo.cluster.nodes[0].pid}                       # n1; then read and write on

Logs and data: {demo.cluster.folder}""")
    try:
        while True:
            processes.settle(3600)
    except KeyboardInterrupt:
        say("\ndemo: stopping the cluster, removing its data")


def run(once):
    build = os.path.join(TOP, "build")
    folder = tempfile.mkdtemp(prefix="henge-demo-")
    try:
        step("Starting three nodes")
        with DemoCluster(folder, build) as cluster:
            for i in range(clusters.NODES):
                say(f"   n{i + 1} serves clients on {cluster.endpoint(i)}")
            demo = Demo(cluster, folder, build)
            demo.load_packages()
            demo.read_back()
            demo.import_and_kill()
            demo.heal()
            demo.show()
            if not once:
                stay(demo)
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(processes.main("demo", lambda: run("--once" in sys.argv[1:])))
