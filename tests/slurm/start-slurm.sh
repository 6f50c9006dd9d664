#!/usr/bin/env bash
# A real SLURM of one node with two fake GPUs on loopback, for the tests; needs root and Debian.
#   tests/slurm/start-slurm.sh         installs what is missing, starts what does not run
#   tests/slurm/start-slurm.sh stop    stops what it started
# LETHE_SLURM_STATE: folder of its state (/tmp/lethe-slurm); LETHE_SLURM_CPUS (4): CPUs of the node.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${LETHE_SLURM_STATE:-/tmp/lethe-slurm}
host=$(hostname -s)
cpus=${LETHE_SLURM_CPUS:-4}
gpus=2
# The built-in place: a job's own srun is started without SLURM_CONF.
configuration=/etc/slurm

fail() {
    echo "start-slurm: $1" >&2
    exit 1
}

# Until a command succeeds, for ten seconds.
wait_for() {
    for _ in $(seq 50); do
        "$@" &> /dev/null && return 0
        sleep 0.2
    done
    return 1
}

# Not merely by its number, which may be another process's by now, nor a zombie.
is_running() {
    local pid
    pid=$(cat "$state/$1.pid" 2> /dev/null) && [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$1" ] \
        && ! grep -q '^State:.Z' "/proc/$pid/status"
}

has_ended() {
    ! is_running "$1"
}

require_our_own() {
    [ "$(id -u)" = 0 ] || fail "needs root, to install and start SLURM"
    if [ -e $configuration/slurm.conf ] && [ ! -L $configuration/slurm.conf ]; then
        fail "$configuration/slurm.conf exists: a cluster of its own, left as it is"
    fi
}

install_packages() {
    local missing=() policy=/usr/sbin/policy-rc.d
    command -v slurmctld > /dev/null || missing+=(slurmctld)
    command -v slurmd > /dev/null || missing+=(slurmd)
    command -v sbatch > /dev/null || missing+=(slurm-client)
    command -v munged > /dev/null || missing+=(munge)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null \
        || fail "expected ${missing[*]} and no apt-get to install them"
    # Installing must start no service: they are started here, with another configuration.
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod +x $policy
        trap "rm -f $policy" EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
        > "$state/apt.log" 2>&1 || fail "cannot install ${missing[*]}; see $state/apt.log"
}

munge_works() {
    munge -n | unmunge
}

start_munge() {
    munge_works &> /dev/null && return 0
    local folder
    for folder in /etc/munge /run/munge /var/lib/munge /var/log/munge; do
        install -d -o munge -g munge -m 700 "$folder"
    done
    chmod 755 /run/munge
    [ -s /etc/munge/munge.key ] || (umask 077 && head -c 1024 /dev/urandom > /etc/munge/munge.key)
    chown munge: /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    # munged refuses to run as root.
    setpriv --reuid=munge --regid=munge --clear-groups munged --force \
        < /dev/null &> "$state/munged.out"
    ln -sf /run/munge/munged.pid "$state/munged.pid"
    wait_for munge_works || fail "munged does not answer; see $state/munged.out"
}

# Fake GPUs: a gres must be a device file, and its number is all that anybody looks at.
write_gpus() {
    local number
    for number in $(seq 0 $((gpus - 1))); do
        if [ ! -c "$state/gpu$number" ] && ! mknod "$state/gpu$number" c 1 3 2> /dev/null; then
            printf "NodeName=$host Name=gpu File=%s\n" /dev/null /dev/zero
            return
        fi
    done
    echo "NodeName=$host Name=gpu File=$state/gpu[0-$((gpus - 1))]"
}

write_configuration() {
    local memory name
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    sed -e "s|@HOST@|$host|g; s|@STATE@|$state|g; s|@CPUS@|$cpus|g" \
        -e "s|@MEMORY@|$memory|g; s|@GPUS@|$gpus|g" "$here/slurm.conf.in" > "$state/slurm.conf"
    write_gpus > "$state/gres.conf"
    echo "CgroupAutomount=no" > "$state/cgroup.conf"
    mkdir -p $configuration
    for name in slurm gres cgroup; do
        ln -sfn "$state/$name.conf" "$configuration/$name.conf"
    done
}

node_is_ready() {
    case "$(timeout 5 sinfo -h -o %t)" in
        idle* | mix* | alloc*) return 0 ;;
        down* | drain* | drng*) timeout 5 scontrol update NodeName="$host" State=RESUME ;;
    esac
    return 1
}

start() {
    require_our_own
    umask 022
    mkdir -p "$state/controller" "$state/node"
    install_packages
    getent hosts "$host" > /dev/null || echo "127.0.0.1 $host" >> /etc/hosts
    start_munge
    if ! is_running slurmctld || ! is_running slurmd; then
        write_configuration
    fi
    local daemon
    for daemon in slurmctld slurmd; do
        is_running $daemon || $daemon < /dev/null &> "$state/$daemon.out" \
            || fail "$daemon does not start; see $state/$daemon.out"
    done
    wait_for node_is_ready || fail "the node does not come up; see the logs in $state"
    sinfo -h -N -o "%N: %T, %c CPUs, %m MB, %G"
}

stop() {
    local daemon
    for daemon in slurmd slurmctld munged; do
        is_running $daemon || continue
        kill "$(cat "$state/$daemon.pid")"
        wait_for has_ended $daemon || fail "$daemon does not stop"
    done
    for name in slurm gres cgroup; do
        [ ! -L "$configuration/$name.conf" ] || rm "$configuration/$name.conf"
    done
}

case "${1:-start}" in
    start | stop) "${1:-start}" ;;
    *) fail "expected start or stop, found '$1'" ;;
esac
