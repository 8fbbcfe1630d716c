#!/bin/sh
# The programs that tests need beside Python: installs them where that is possible, else says loudly what is missing.
#
#     tools/system_tools.sh strace tmux
#
# Names are commands. With root and apt-get the Debian package is installed; otherwise the list is printed and
# the status is 1, because a fault test that silently skips proves nothing.
set -eu

package_of() {
    case $1 in
    ip) echo iproute2 ;;
    unshare | nsenter | mount) echo util-linux ;;
    node | npm) echo nodejs ;;
    *) echo "$1" ;;
    esac
}

missing= packages=
for command in "$@"; do
    command -v "$command" >/dev/null 2>&1 && continue
    missing="$missing $command"
    packages="$packages $(package_of "$command")"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$packages" >&2
    apt-get update -qq >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >&2
else
    echo "missing:$missing" >&2
    echo "install them with your system's package manager, for example: sudo apt-get install$packages" >&2
    exit 1
fi
