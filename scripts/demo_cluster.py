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
    """Three nodes, of which one may be killed and started again on its old data."""

    def kill(self, i):
        self._processes.kill(self.nodes[i])
        os.unlink(self._ready_file(i))

    def restart(self, i):
        self.nodes[i] = self._processes.start(self._command(i), self._log(i), cwd=self.folder)
        processes.wait_until(self._ready, self._processes, f"n{i + 1}")

    def forget(self, i):
        """The node has ended by another hand."""
        self.kill(i)

    def endpoint(self, i):
        return f"127.0.0.1:{self.client_ports[i]}"


class Demo:
    def __init__(self, cluster, folder, build):
        self.cluster = cluster
        self.folder = folder
        self.henge_path = os.path.join(build, "bin", "henge")

    def path(self, name):
        return os.path.join(self.folder, name)

    def henge(self, *arguments, endpoints=None, output=None, stdin=None):
        """Runs the henge command; a failure of it fails the demo."""
        command = [self.henge_path, "--endpoint", endpoints or self.cluster.endpoints, *arguments]
        with open(output, "wb") if output else open(os.devnull, "wb") as out:
            done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, stdout=out if output else None, check=False,
                                  env=processes.environment())
        if done.returncode != 0:
            self.cluster.check()
            raise processes.Failure(f"{' '.join(command)}\n  ended with status {done.returncode}")

    def data(self, *arguments, output=None):
        with open(output, "wb") if output else open(os.devnull, "wb") as out:
            done = subprocess.run([sys.executable, DATA, *arguments], stdout=out, check=False)
        if done.returncode != 0:
            raise processes.Failure("the data is not what was written")

    def load_packages(self):
        step("Importing the package database of this machine")
        self.data("packages", output=self.path("packages.jsonl"))
        self.henge("import", self.path("packages.jsonl"))

    def read_back(self):
        for i in range(clusters.NODES):
            step(f"Reading every value back through n{i + 1}, comparing byte for byte")
            self.henge("--direct", "export", endpoints=self.cluster.endpoint(i), output=self.path("got.jsonl"))
            self.data("compare", self.path("packages.jsonl"), self.path("got.jsonl"))

    def import_and_kill(self):
        step(f"A second import of {SECOND_IMPORT_RECORDS} records or more; n{VICTIM + 1} is killed in the middle")
        feeder = subprocess.Popen([sys.executable, DATA, "copies", self.path("packages.jsonl"), str(SECOND_IMPORT_RECORDS),
                                   str(self.cluster.nodes[VICTIM].pid), self.path("copies.jsonl")], stdout=subprocess.PIPE)
        try:
            self.henge("import", "-", stdin=feeder.stdout)
        finally:
            feeder.stdout.close()
            feeder.wait()
        if feeder.returncode != 0:
            raise processes.Failure("the import ended early")
        self.cluster.forget(VICTIM)
        say("   no write failed")

    def heal(self):
        step(f"Starting n{VICTIM + 1} again on its old data")
        self.cluster.restart(VICTIM)
        step("Reading everything from all three replicas, which repairs what n3 missed")
        self.henge("export", "--consistency", "all", output=self.path("got.jsonl"))
        self.data("compare", self.path("copies.jsonl"), self.path("got.jsonl"))
        self.henge("export", "--all", output=self.path("replicas.jsonl"))
        self.data("replicas", self.path("replicas.jsonl"))

    def show(self):
        step("henge status")
        self.henge("status")
        step("henge ring")
        self.henge("ring")


def stay(demo):
    henge = f"{os.path.relpath(demo.henge_path, os.getcwd())} --endpoint {demo.cluster.endpoints}"
    say(f"""
The cluster stays up until Ctrl-C. Next, in another terminal:

  export HENGE_ENDPOINT={demo.cluster.endpoints}
  henge={os.path.relpath(demo.henge_path, os.getcwd())}
  $henge get bash                       # a value
  $henge explain bash                   # where it lies, and what each replica holds
  $henge put greeting hello             # a write; once more makes a sibling, as it saw nothing
  $henge scan                           # all keys, in the order of the ring
  $henge bench --clients 64             # how fast
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
