#!/bin/sh
# Runs the tests that need real clients: installs each pinned client once, then pytest in a network namespace
# that holds loopback only. A client that cannot be installed is said to be NOT TESTED, and its tests fail.
# At the end it says of each client whether all of its moments were proved, and notes it (tests/clients/last_run.py).
# Words after the name go to pytest; `-n 0 -s` shows what one test prints while it runs:
#
#     tests/clients/run.sh -k idle
#     tests/clients/run.sh -k test_conversation -n 0 -s
#
# NEWEST=1           the newest version of each client, beside the pinned ones; it reports, and notes nothing
# TELEX_CLIENTS_DIR  where clients are kept (default: .clients in the checkout, which git ignores)
# PYTHON             the interpreter with telex and pytest (default: .venv/bin/python)
set -eu

CLIENTS='
claude @anthropic-ai/claude-code 2.1.332
codex @openai/codex 0.171.0
gemini @google/gemini-cli 0.61.0
opencode opencode-ai 1.18.33
opencode-plugin @opencode-ai/plugin 1.18.33
copilot @github/copilot 1.0.102
'

# the official MCP inspector and conformance suite, and the node that both need
MCP_PACKAGES="@modelcontextprotocol/inspector@2.12.0 @modelcontextprotocol/conformance@0.1.16 node@22.23.3"

root=$(cd "$(dirname "$0")/../.." && pwd)
clients=${TELEX_CLIENTS_DIR:-$root/.clients}
[ -z "${NEWEST:-}" ] || clients=$clients/newest
python=${PYTHON:-$root/.venv/bin/python}

fail() {
    printf 'run.sh: %s\n' "$@" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $1 ($2)"
}

check_tools() {
    missing=
    need node "nodejs 18 or later"
    need npm "npm"
    need tmux "tmux"
    need unshare "util-linux; Linux only"
    need ip "iproute2"
    [ -z "$missing" ] || fail "missing:$missing" "install them, then run \`make test-clients\`"
    [ -x "$python" ] || fail "$python is missing: run \`make setup\`"
}

# A finished installation leaves the version in a file; anything else is made anew.
install_client() {
    here=$clients/$1 package=$2 version=$3
    [ -z "${NEWEST:-}" ] || version=$(npm view "$package" version 2>/dev/null) || version=$3
    [ "$(cat "$here/.installed" 2>/dev/null)" = "$version" ] && return
    printf 'run.sh: installing %s@%s (100 to 400 MB) in %s\n' "$package" "$version" "$here" >&2
    rm -rf "$here"
    mkdir -p "$here"
    if npm install --prefix "$here" --no-fund --no-audit --loglevel=error "$package@$version" >&2; then
        printf '%s\n' "$version" >"$here/.installed"
    else
        printf 'run.sh: NOT TESTED: %s: npm could not install %s@%s: see above\n' "$1" "$package" "$version" >&2
        rm -rf "$here"
    fi
}

install_clients() {
    printf '%s' "$CLIENTS" | {
        while read -r name package version; do
            [ -z "$name" ] || install_client "$name" "$package" "$version" </dev/null &
        done
        wait
    }
}

install_mcp_programs() {
    here=$clients/mcp
    [ "$(cat "$here/.installed" 2>/dev/null)" = "$MCP_PACKAGES" ] && return
    printf 'run.sh: installing %s in %s\n' "$MCP_PACKAGES" "$here" >&2
    rm -rf "$here"
    mkdir -p "$here"
    # shellcheck disable=SC2086
    npm install --prefix "$here" --no-fund --no-audit --loglevel=error $MCP_PACKAGES >&2 ||
        fail "npm could not install $MCP_PACKAGES: see above"
    printf '%s\n' "$MCP_PACKAGES" >"$here/.installed"
}

# Root may make a network namespace; others may where user namespaces are allowed.
namespace() {
    for how in "--net" "--map-root-user --net"; do
        # shellcheck disable=SC2086
        if unshare $how ip link set lo up 2>/dev/null; then
            printf '%s' "$how"
            return
        fi
    done
    fail "no network namespace: neither root nor unprivileged user namespaces here"
}

check_tools
install_clients
install_mcp_programs
how=$(namespace)
cd "$root"
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# A group of tests: its name, how pytest chooses and runs it, and the words of the caller. 5 says that there is none.
group() {
    name=$1 choice=$2 workers=$3
    shift 3
    # shellcheck disable=SC2086
    TELEX_CLIENTS_DIR=$clients unshare $how sh -c 'ip link set lo up && exec "$@"' sh \
        "$python" -m pytest tests/clients -m "$choice" -n "$workers" --dist loadfile \
        --junitxml="$reports/$name.xml" -o junit_logging=system-out "$@" || return $?
}

# Each file has machines of its own, so two run at once. What measures a wake-up runs after that, with nothing beside it.
status=0 timed=0
group together "real_client and not timed" 2 "$@" || status=$?
group alone "real_client and timed" 0 "$@" || timed=$?
[ "$status" -ne 5 ] || status=$timed
[ "$status" -ne 0 ] || [ "$timed" -eq 5 ] || status=$timed
# Only a run that passed, with the pinned clients, is noted.
note=--note
[ "$status" -eq 0 ] && [ -z "${NEWEST:-}" ] || note=--report
"$python" -m tests.clients.last_run "$note" "$clients" "$reports"/*.xml
exit "$status"
