"""What may not stand above the seams, each with the replacement that its message names (design.md section 3)."""

import dataclasses
import re

from .tree import Finding, in_any, match_brace

BELOW_SEAMS = ("node/real/", "node/grpc/", "client/", "cli/", "tests/")
NOWHERE = ()


@dataclasses.dataclass(frozen=True)
class Ban:
    """`pattern` may stand only under `allowed`. `on_code` bans look at code without comments and literals."""

    rule: str
    pattern: re.Pattern
    allowed: tuple
    message: str
    on_code: bool = True
    excuse: re.Pattern | None = None  # an inline comment with a reason, on the line or the one before


def _ban(rule, pattern, allowed, message, on_code=True, excuse=None):
    return Ban(rule, re.compile(pattern), allowed, message, on_code, excuse and re.compile(excuse))


BANS = (
    _ban("grpc", r'^\s*#\s*include\s*[<"](grpc|grpcpp|grpc\+\+)/', ("node/grpc/", "client/", "cli/bench/", "tests/"),
         "gRPC only in node/grpc and client: use the Transport of core/runtime/transport.h instead", on_code=False),
    _ban("rocksdb", r'^\s*#\s*include\s*[<"]rocksdb/', ("storage/", "tests/"),
         "RocksDB only in storage: use the store interfaces of storage/*.h instead", on_code=False),
    _ban("clock", r"\b(system_clock|steady_clock|high_resolution_clock)\b|\babsl::Now\s*\(|\bgettimeofday\s*\(|"
                  r"\bclock_gettime\s*\(|\b(std::)?time\s*\(\s*(nullptr|NULL|0)\s*\)|\bGetCurrentTimeNanos\s*\(",
         BELOW_SEAMS, "a system clock above the seams: use the injected Clock of core/runtime/clock.h instead"),
    _ban("thread", r"\bstd::(jthread|thread|async)\b|\bpthread_create\b|^\s*#\s*include\s*<thread>",
         BELOW_SEAMS, "a thread above the seams: use the injected Executor of core/runtime/executor.h instead"),
    _ban("lock", r"\bstd::(recursive_|shared_|timed_|recursive_timed_|shared_timed_)?mutex\b|\bstd::condition_variable|"
                 r"\babsl::(Mutex|CondVar|Notification|BlockingCounter)\b|\bstd::(scoped_lock|lock_guard|unique_lock|"
                 r"counting_semaphore|binary_semaphore|latch|barrier)\b",
         BELOW_SEAMS, "a lock above the seams: one loop owns the state; post to its Executor (core/runtime/executor.h) "
                      "instead"),
    _ban("sleep", r"\b(sleep_for|sleep_until|usleep|nanosleep|SleepFor)\s*\(|(?<![\w.>:])sleep\s*\(",
         BELOW_SEAMS, "a blocking sleep above the seams: use Executor::RunAt of core/runtime/executor.h instead"),
    _ban("random", r"\brandom_device\b|\bstd::(mt19937(_64)?|default_random_engine)\b|\babsl::(Insecure)?BitGen\b|"
                   r"(?<![\w.>:])(std::)?s?rand(om)?\s*\(|\b[dlm]rand48\s*\(|\bgetrandom\s*\(|\bgetentropy\s*\(",
         BELOW_SEAMS, "chance from outside above the seams: use the injected Random of core/runtime/random.h instead"),
    _ban("rocksdb-property", r"(?:->|\.)\s*Get(Int|Map|AggregatedInt)?Property\s*\(|"
                             r"(?:->|\.)\s*(GetApproximateSizes|GetLiveFilesMetaData|GetColumnFamilyMetaData)\s*\(",
         ("storage/stats.cc", "storage/store_stats.cc", "tests/"),
         "decisions may not read RocksDB's properties, they depend on background timing: count in our own code instead "
         "(what is only shown to people belongs in storage/stats.cc)"),
    _ban("ignored-status", r"\bIgnoreError\s*\(\s*\)|\(\s*void\s*\)\s*[A-Za-z_][\w:.\->]*\s*\(|\bstd::ignore\s*=|"
                           r"static_cast<\s*void\s*>\s*\(\s*[A-Za-z_][\w:.\->]*\s*\(",
         NOWHERE, "a discarded result: handle it or return it instead; if nothing can follow from it, say why in "
                  "'// discarded: reason' on the line or the one before", excuse=r"//\s*discarded:\s*\S"),
    _ban("assert", r"(?<![\w_])assert\s*\(|#\s*include\s*<(cassert|assert\.h)>",
         NOWHERE, "assert() vanishes in release builds: use HENGE_CHECK of core/runtime/check.h instead"),
    _ban("simulated", r"(?i)\bis_?simulat(ed|ion)\b", NOWHERE,
         "one code base for both worlds: pass the difference in through a seam of core/runtime instead of asking"),
    _ban("throw", r"(?<![\w_])throw\b", NOWHERE,
         "we throw no exceptions: return an absl::Status instead"),
    _ban("singleton", r"(?<!UnitTest::)\b(GetInstance|Instance|Singleton)\s*\(\s*\)", NOWHERE,
         "no singletons: pass the object through the constructor instead"),
    _ban("leftover", r"\b(FIXME|TODO|XXX|HACK)\b", NOWHERE,
         "leftover marker: do it now, or put it on the tracker and remove it here", on_code=False),
)

_LAMBDA = re.compile(r"\[([^\[\]]*)\]\s*(?:\((?:[^()]|\([^()]*\))*\))?\s*(?:mutable\s*|noexcept\s*)*(?:->\s*[\w:<>,\s*&]+?)?\s*\{")
_CO_KEYWORD = re.compile(r"\bco_(await|return|yield)\b")


def _excused(ban, lines):
    return ban.excuse is not None and any(ban.excuse.search(line) for line in lines)


def _apply(ban, source):
    if in_any(source.path, ban.allowed):
        return
    lines = (source.code if ban.on_code else source.text).split("\n")
    for number, line in enumerate(lines, 1):
        if ban.pattern.search(line) and not _excused(ban, source.lines[max(0, number - 2):number]):
            yield Finding(source.path, number, ban.rule, ban.message)


def _own_code(code, start, end):
    """The text of a lambda's body without the bodies of lambdas inside it."""
    body = code[start:end]
    out = []
    i = 0
    for inner in _LAMBDA.finditer(body, 1):
        if inner.start() < i or not _is_lambda(body, inner):
            continue
        out.append(body[i:inner.start()])
        i = match_brace(body, inner.end() - 1) + 1
    out.append(body[i:])
    return "".join(out)


def _is_lambda(code, match):
    before = code[:match.start()].rstrip()
    return not before or not (before[-1].isalnum() or before[-1] in "_])")or before.endswith("return")


def _capturing_coroutines(source):
    """A lambda coroutine's captures die with the lambda object, not with the coroutine."""
    for match in _LAMBDA.finditer(source.code):
        if not match.group(1).strip() or not _is_lambda(source.code, match):
            continue
        open_at = match.end() - 1
        if _CO_KEYWORD.search(_own_code(source.code, open_at, match_brace(source.code, open_at))):
            yield Finding(source.path, source.line_of(match.start()), "lambda-coroutine",
                          "a capturing lambda may not be a coroutine, its captures die before it resumes: write a named "
                          "function that takes them by value instead")


def _pragma_once(source):
    if source.is_header and not re.search(r"^#pragma once$", source.text, re.M):
        yield Finding(source.path, 1, "pragma-once", "a header without an include guard: add #pragma once instead of macros")


def check(sources):
    for source in sources.values():
        for ban in BANS:
            yield from _apply(ban, source)
        yield from _capturing_coroutines(source)
        yield from _pragma_once(source)
