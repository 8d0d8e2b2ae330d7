# shellcheck shell=bash
# What the scripts share. Sourced, never run:
#   fail, say, step    one-line errors (exit code 2), progress
#   out_folder         what --out may be
#   python             what runs a module of harness/: "${python[@]}" evidence.bench.main ARGUMENT...
#   lock               one script at a time in this tree
#   run                a program that Ctrl-C, TERM and HUP stop together with all that it started
#   read_system        which system this is, and whether it is set up through apt
#   as_root, apt_get   installing
#   setup, build       the steps that reproduce and test have in common
# All of it works from any current folder: `root` is found from this file's own path, through symlinks.

set -euo pipefail

root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
# shellcheck disable=SC2034  # used by scripts/reproduce
started_in=$PWD
cd -- "$root"

me=$(readlink -f -- "$0")
me=${me#"$root"/}

# The presets of CMakePresets.json; scripts_test.py compares the two.
# shellcheck disable=SC2034  # used by scripts/test
presets=(release debug asan tsan)

# ---- Words for the person at the terminal: all on stderr, so that stdout holds results only. ----

bold='' plain=''
if [[ -t 2 && -z ${NO_COLOR+set} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
fi

say() { printf '%s\n' "$*" >&2; }

# fail "what is wrong; what would be right"
fail() {
  say "$me: $1"
  exit 2
}

# steps=4; step "building": "==> [2/4] building", and, when the next step begins or step_done is called, how long it took.
steps=0 step_number=0 step_began=0
step() {
  step_done
  step_number=$((step_number + 1))
  step_began=${EPOCHREALTIME/[.,]/}
  say "$bold==> [$step_number/$steps] $1$plain"
}

step_done() {
  if ((step_began > 0)); then
    local tenths=$(((${EPOCHREALTIME/[.,]/} - step_began) / 100000))
    say "    done in $((tenths / 10)).$((tenths % 10)) s"
    step_began=0
  fi
}

# out_folder DIR [made]: sets `out` to its full path, or stops here with a line. made: it need not be there, only its parent.
out_folder() {
  out=$1
  [[ -n $out ]] || fail '--out is empty; write --out DIR'
  if [[ $out != /* ]]; then out=$started_in/$out; fi
  if [[ ! -e $out && ${2-} == made ]]; then
    local parent
    parent=$(dirname -- "$out")
    [[ -d $parent ]] || fail "the folder $parent does not exist; make it first, or write to another one with --out"
    [[ -w $parent ]] || fail "$parent cannot be written to; --out takes another folder"
    return
  fi
  [[ -d $out ]] || fail "$out is not a folder; --out takes one"
  [[ -w $out ]] || fail "$out cannot be written to; --out takes another folder"
}

# Where Python finds the packages of harness/, here and in all that is started from here; and that it leaves no files there.
# -S: no package of the system or the user gets in between.
export PYTHONPATH=$root/harness PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1
python=(python3 -S -m)

# Copies stdin to stdout; of the lines that match the pattern it shows one in five seconds.
throttle() {
  local line shown=-5
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line##*$'\r'} # dpkg counts up to 100% in one line
    if [[ ! $line =~ $1 ]]; then
      printf '%s\n' "$line"
    elif ((SECONDS - shown >= 5)); then
      printf '%s\n' "$line"
      shown=$SECONDS
    fi
  done
}

# ---- The system ----

# read_system: sets system, version, codename, system_name, as os-release has them, and by_apt, which is empty where the
# packages that the scripts install have other names, or are too old.
read_system() {
  # shellcheck disable=SC2034  # used by scripts/setup and scripts/go-parity
  IFS=$'\t' read -r system version codename system_name < <(
    # shellcheck disable=SC1090
    source "${AFTERLEAK_OS_RELEASE:-/etc/os-release}" 2>/dev/null || true # overridden by tests
    printf '%s\t%s\t%s\t%s\n' "${ID:-unknown}" "${VERSION_ID:-0}" "${VERSION_CODENAME:-unknown}" "${PRETTY_NAME:-an unknown system}"
  )
  if [[ $system == debian && $version == 0 ]]; then version=99; fi # testing and unstable have no number
  local -A oldest=([debian]=12 [ubuntu]=24)
  by_apt=
  if [[ -n ${oldest[$system]:-} ]] && ((${version%%.*} >= oldest[$system])); then by_apt=1; fi
}

# Runs root's commands, through sudo for everybody else.
as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# apt_get ARGUMENT...: what it prints goes to the file $log too.
# Lock::Timeout: a fresh machine is often busy with its own upgrades. stdin: no package may ask a question.
# The log's writers outlive a Ctrl-C, so that apt can end in its own way.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y "$@" </dev/null 2>&1 |
    (trap '' HUP INT TERM; tee -a "$log" | throttle '' >&2)
}

# An update fails as a whole if any source does; the lists that are here may do.
apt_get_update() {
  apt_get update || say 'apt-get update failed; trying with the package lists that are here'
}

# ---- One script at a time ----

# lock "$@": holds .build/lock until this script ends, or stops here with a line that names who holds it.
# It is the kernel's lock on file descriptor 9, so it is gone with the script however that dies; children must therefore not
# inherit it (9>&- wherever one is started). The text in the file is only for the message. Not covered: cmake and ctest typed by hand.
locked=
lock() {
  { mkdir -p .build && exec 9<>.build/lock; } 2>/dev/null ||
    fail "cannot write $root/.build/lock; the scripts need a folder that they may write to"
  if ! flock --nonblock 9; then
    local pid='' command=''
    read -r pid command <.build/lock || true
    fail "${command:-another script} (process ${pid:-unknown}) is at work in this tree; wait for its end${pid:+, or stop it: kill $pid}"
  fi
  locked=1
  printf '%s %s\n' "$$" "$me${*:+ $*}" >.build/lock
}

# ---- Children that can be stopped ----

grace=5 # seconds that a child has to end after a signal, before it is killed

# run PROGRAM ARGUMENT...: runs it and returns its exit code.
# In the background, because bash hears no signal while it waits for a foreground program; and contained, so that nothing of it is
# left once it has ended, or a signal has, or this script is killed with -9.
run() {
  local status=0
  "${python[@]}" evidence.common.contained --grace "$grace" -- "$@" </dev/null 9>&- &
  wait "$!" || status=$?
  return "$status"
}

# stop_child SIGNAL PID: it passes the signal on, and kills what does not end within its grace.
stop_child() {
  local tenths
  kill "-$1" "$2" 2>/dev/null || true
  for ((tenths = 0; tenths < (grace + 2) * 10; ++tenths)); do
    kill -0 "$2" 2>/dev/null || return 0
    # bash lets it ignore INT until it has begun to listen.
    if ((tenths == 10)); then kill -TERM "$2" 2>/dev/null || true; fi
    sleep 0.1
  done
  kill -KILL "$2" 2>/dev/null || true # what it guards is killed then
}

interrupted() {
  trap '' INT TERM HUP # a second Ctrl-C must not cut this short
  # The shell's own list, since a signal may come before a variable could be set.
  local child
  child=$(jobs -rp)
  disown -a # or bash reports its death, below the last word
  if [[ -n $child ]]; then stop_child "$1" "$child"; fi
  say "$me: stopped by SIG$1" || true # the terminal may be gone
  exit "$2"
}
trap 'interrupted HUP 129' HUP
trap 'interrupted INT 130' INT
trap 'interrupted TERM 143' TERM
trap 'if [[ -n $locked ]]; then : >.build/lock; fi' EXIT

# ---- Steps ----

# In the foreground, unlike `run`: sudo may ask for a password, and a signal has to wait until apt is done, since a dpkg killed
# half way leaves the machine's packages broken.
setup() {
  step 'setting up'
  "$root/scripts/setup" 9>&- || exit
}

# build PRESET [--target TARGET]: configures and builds all of it, or one target, in .build/PRESET; quick if nothing has changed.
build() {
  local log=.build/$1.configure.log
  step "configuring ($1)"
  run cmake --preset "$1" >"$log" || fail "configuring ($1) failed; cmake's errors are above, the rest is in $log"
  step "building ($1)"
  local cmake=(cmake --build --preset "$@")
  if [[ -t 2 ]]; then # ninja keeps to one line of the terminal
    run "${cmake[@]}" >&2
  else
    run bash -o pipefail -c "$(declare -f throttle)"'; "$@" 2>&1 | throttle "^(ninja: |\[[0-9]+/)"' build "${cmake[@]}" >&2
  fi || fail "building ($1) failed; the compiler's errors are above"
}
