# Sourced by the scripts beside it: where the project is, how to speak, how to install.
# Expects: set -eu, and $0 somewhere in scripts/ or .ci/.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "$(basename -- "$0"): $*"
	exit 1
}

# quietly LABEL COMMAND...: one line while it works, its output only where it fails.
quietly()
{
	label=$1
	shift
	say "$label ..."
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		cat -- "$log" >&2
		rm -f -- "$log"
		die "$label: failed (its output is above)"
	fi
	rm -f -- "$log"
}

# configure DIR MESON-OPTIONS...: meson setup where it has not been done yet.
configure()
{
	dir=$1
	shift
	[ -f "$dir/build.ninja" ] && return 0
	quietly "configuring ${dir#"$root"/}" meson setup "$@" "$dir" "$root"
}

# compile DIR: ninja, with its progress line on a terminal and without a word where nothing is to do.
compile()
{
	if ninja -C "$1" -n 2>/dev/null | grep -q 'no work to do'; then
		return 0
	fi
	say "building ${1#"$root"/} ..."
	if [ -t 2 ]; then
		ninja -C "$1" >&2
	else
		quietly "compiling ${1#"$root"/}" ninja -C "$1" --quiet
	fi
}
