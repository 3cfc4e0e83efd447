# Shell functions that every script here shares. Source it; it changes to the top of the repository.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$TOP" || exit 1

# Compilers and tests use this many processes at once.
JOBS=${JOBS:-$(nproc)}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# build_folder PRESET: where a preset's build lies.
build_folder() {
  case $1 in
    release) echo build ;;
    *) echo "build-$1" ;;
  esac
}

# configure_and_build PRESET [TARGET...]: all targets if none is named.
configure_and_build() {
  local preset=$1 folder
  shift
  folder=$(build_folder "$preset")
  [ -f "$folder/build.ninja" ] || cmake --preset "$preset" >"$folder.configure.log" 2>&1 || {
    cat "$folder.configure.log" >&2
    die "cmake could not configure; scripts/setup installs what the build needs"
  }
  rm -f "$folder.configure.log"
  ninja -C "$folder" -j "$JOBS" ${NINJA_FLAGS-} "$@"
}

# stage NAME COMMAND...: runs a command, remembers its time and verdict, and goes on; stage_summary prints them.
STAGE_ROWS=()
STAGE_FAILED=0
stage() {
  local name=$1 begun=$SECONDS verdict=ok
  shift
  say "=== $name"
  # A subshell with its own errexit: a command that fails in the middle of a stage fails the stage.
  set +e
  (set -e; "$@")
  local status=$?
  set -e
  if [ $status -ne 0 ]; then
    verdict="FAILED ($status)"
    STAGE_FAILED=1
  fi
  STAGE_ROWS+=("$(printf '%-28s %6d s  %s' "$name" $((SECONDS - begun)) "$verdict")")
  say "=== $name: $verdict after $((SECONDS - begun)) s"
}

stage_summary() {
  say ""
  say "stages:"
  printf '  %s\n' "${STAGE_ROWS[@]}" >&2
  printf '  %-28s %6d s\n' total "$SECONDS" >&2
}
