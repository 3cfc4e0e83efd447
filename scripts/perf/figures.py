"""From benchmark reports to medians and ratios."""

import statistics

# The project's own floors, with everything on one two-core machine: metric -> clients -> (bound, is it a minimum).
FLOORS = {
    "put_ratio": {64: (2.5, True), 256: (3.0, True)},
    "get_ratio": {64: (4.0, True), 256: (10.0, True)},
    "put_p50_ratio": {1: (1.0, False)},
}


def stage_figures(stage):
    """(kind, clients, figures) of a stage with one kind of request."""
    kind = "put" if stage["put"] else "get"
    ops = stage[kind]
    return kind, stage["clients"], {
        "ops_per_s": ops["ops_per_s"],
        "latency_us": ops["latency_us"],
        "server_cpu_us_per_op": stage["watched_cpu_us_per_op"],
        "client_cpu_us_per_op": stage["client_cpu_us_per_op"],
        "resident_bytes_max": max((p["resident_bytes"] for p in stage["watched"]), default=None),
        "notes": stage["notes"],
    }


def collect(rounds):
    """{system: {kind: {clients: [figures of each round]}}} from [{system: bench report}]."""
    found = {}
    for reports in rounds:
        for system, report in reports.items():
            for stage in report["stages"]:
                kind, clients, figures = stage_figures(stage)
                found.setdefault(system, {}).setdefault(kind, {}).setdefault(clients, []).append(figures)
    return found


def _median(samples, pick):
    return statistics.median(pick(sample) for sample in samples)


def medians(collected):
    """The same shape as collect() gives, with the median of each figure instead of the list."""
    return {system: {kind: {clients: {
        "ops_per_s": _median(samples, lambda s: s["ops_per_s"]),
        "ops_per_s_min": min(s["ops_per_s"] for s in samples),
        "ops_per_s_max": max(s["ops_per_s"] for s in samples),
        "server_cpu_us_per_op": _median(samples, lambda s: s["server_cpu_us_per_op"]),
        "client_cpu_us_per_op": _median(samples, lambda s: s["client_cpu_us_per_op"]),
        **{name: _median(samples, lambda s, n=name: s["latency_us"][n]) for name in ("p50", "p99", "p99.9", "max")},
    } for clients, samples in by_clients.items()} for kind, by_clients in kinds.items()}
        for system, kinds in collected.items()}


def ratios(middle, ours="henge", theirs="etcd"):
    """put_ratio, get_ratio and put_p50_ratio by number of clients: ours divided by theirs."""
    def each(kind, figure):
        return {clients: middle[ours][kind][clients][figure] / value[figure]
                for clients, value in middle[theirs].get(kind, {}).items() if clients in middle[ours].get(kind, {})}
    return {"put_ratio": each("put", "ops_per_s"), "get_ratio": each("get", "ops_per_s"),
            "put_p50_ratio": each("put", "p50")}


def verdicts(ratio):
    """[(metric, clients, value, bound as text, met)] for each floor that was measured."""
    found = []
    for metric, bounds in FLOORS.items():
        for clients, (bound, is_minimum) in bounds.items():
            if clients in ratio[metric]:
                value = ratio[metric][clients]
                met = value >= bound if is_minimum else value <= bound
                found.append((metric, clients, value, f"{'>=' if is_minimum else '<='} {bound:g}", met))
    return found
