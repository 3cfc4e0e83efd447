"""Dependency direction, by the #include graph: core/model <- core/runtime <- {storage, coordinator} <- node."""

from .tree import Finding

# Layer -> what it may include. A folder's layer is the longest prefix that matches; tests may include anything.
LAYERS = {
    "core/model/": ("core/model",),
    "core/runtime/": ("core/model", "core/runtime"),
    "storage/": ("core/model", "core/runtime", "storage"),
    "coordinator/": ("core/model", "core/runtime", "coordinator"),
    "node/": ("core/model", "core/runtime", "storage", "coordinator", "node", "proto"),
    "client/": ("core/model", "client", "proto"),
    "cli/": ("core/model", "client", "cli"),
}
CLIENT_PUBLIC = "client/include/"
_SEALED = ("grpc", "google/", "absl/", "rocksdb/", "core/", "client/", "node/")
_SEALED_ALLOWED = ("absl/status/", "absl/strings/", "absl/time/", "absl/types/", "absl/functional/", "absl/container/")


def layer_of(path):
    for prefix in LAYERS:
        if path.startswith(prefix):
            return prefix.rstrip("/")
    return None


def resolve(spelling, sources):
    """The project file that an #include means; "proto" for generated code; None for what is not ours."""
    if spelling.endswith((".pb.h", ".grpc.pb.h")) and spelling.startswith("henge/"):
        return "proto/" + spelling
    for candidate in (spelling, CLIENT_PUBLIC + spelling):
        if candidate in sources:
            return candidate
    return None


def _target_layer(target):
    return "proto" if target.startswith("proto/") else layer_of(target)


def _check_direction(source, sources):
    layer = layer_of(source.path)
    if layer is None:
        return
    allowed = LAYERS[layer + "/"]
    for line, spelling, _ in source.includes():
        target = resolve(spelling, sources)
        if target is None:
            continue
        target_layer = _target_layer(target)
        if target_layer not in allowed:
            yield Finding(source.path, line, "direction",
                          f"{layer} may not include {spelling} ({target_layer or 'tests'}); it may use only "
                          f"{', '.join(allowed)}. Move what both need to a lower folder, or pass an interface in")


def _check_spelling(source, sources):
    folder = source.path.rsplit("/", 1)[0] + "/"
    for line, spelling, angled in source.includes():
        if not angled and ("../" in spelling or (spelling not in sources and folder + spelling in sources)):
            yield Finding(source.path, line, "include-path",
                          f'"{spelling}": include by the path from the top of the repository instead')


def _check_rocksdb_leak(source, sources):
    """RocksDB must not reach a folder above through a storage header."""
    if not source.path.startswith("storage/") or not source.is_header:
        return
    for line, spelling, _ in source.includes():
        if spelling.startswith("rocksdb/"):
            users = [p for p, s in sources.items()
                     if not p.startswith(("storage/", "tests/"))
                     and any(resolve(i, sources) == source.path for _, i, _ in s.includes())]
            for user in users:
                yield Finding(source.path, line, "rocksdb-leak",
                              f"<{spelling}> reaches {user} through this header: forward-declare the type here, or hide "
                              "it behind a pointer to an implementation")


def _check_public_client(source):
    if not source.path.startswith(CLIENT_PUBLIC):
        return
    for line, spelling, _ in source.includes():
        if spelling.startswith(_SEALED_ALLOWED):
            continue
        if spelling.startswith(_SEALED) or spelling.endswith(".pb.h"):
            yield Finding(source.path, line, "sdk-surface",
                          f"{spelling} in a public header of the SDK: keep it in client/*.cc behind the implementation "
                          "pointer; users must not need gRPC, protobuf or our internals")


def check(sources):
    for source in sources.values():
        yield from _check_direction(source, sources)
        yield from _check_spelling(source, sources)
        yield from _check_rocksdb_leak(source, sources)
        yield from _check_public_client(source)
