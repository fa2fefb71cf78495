# The job that the machine runs: the command, its environment, and the programs
# that are built for it outside of the machine. Sourced by lab/run.
# shellcheck shell=bash

# run_go_test runs "go test" outside, where building is fast, and makes it start
# each test binary through this script.
run_go_test() {
	local again=("$LAB/run" -k "$SERIES" -t "$LIMIT")
	[[ -z $GUEST_USER ]] || again+=(-u "$GUEST_USER")
	[[ "${again[*]}" != *[\'\"]* ]] || fail "the path of lab/run contains a quote, which go test -exec cannot handle"
	exec go test -exec "$(printf "'%s' " "${again[@]}")" "${COMMAND[@]:2}"
}

# build_go_run replaces "go run [FLAGS] PACKAGE ARGUMENT…" by the program, built
# outside. A package is one word, or a list of .go files.
build_go_run() {
	local words=("${COMMAND[@]:2}") flags=() packages=() name
	while [[ ${words[0]-} == -* ]]; do
		flags+=("${words[0]}")
		case ${words[0]} in
		*=* | -race | -msan | -asan | -cover | -a | -v | -x | -trimpath | -work | -modcacherw | -linkshared) ;;
		-C | -exec) return 0 ;; # would mean something else here: do not replace the command
		*)
			flags+=("${words[1]-}")
			words=("${words[@]:1}")
			;;
		esac
		words=("${words[@]:1}")
	done
	while ((${#words[@]})) && [[ ${#packages[@]} == 0 || (${packages[0]} == *.go && ${words[0]} == *.go) ]]; do
		packages+=("${words[0]}")
		words=("${words[@]:1}")
	done
	((${#packages[@]})) || return 0 # let go run report the error
	mkdir "$JOB/program"
	go build -buildvcs=false -o "$JOB/program/" "${flags[@]}" "${packages[@]}" >&2 || exit 1
	name=$(ls "$JOB/program")
	[[ -n $name ]] || fail "go run ${packages[*]}: not a program (package main)"
	COMMAND=("/run/rfcomm-lab/job/program/$name" "${words[@]}")
}

# hand_over_program copies a program for a user without privileges, who may not
# be able to read the original, such as one in go test's temporary directory.
hand_over_program() {
	local program=${COMMAND[0]}
	[[ -n $GUEST_USER && $program == */* && -f $program && -x $program ]] || return 0
	mkdir -p "$JOB/program"
	install -m 755 -- "$program" "$JOB/program/"
	COMMAND[0]=/run/rfcomm-lab/job/program/${program##*/}
}

# job_write writes the job to the directory that the guest reads it from. Lists
# end each element with NUL, so that they can contain any argument.
job_write() {
	printf '%s\0' "${COMMAND[@]}" >"$JOB/arguments"
	printf '%s\0' "$PWD" >"$JOB/directory"
	[[ -z $GUEST_USER ]] || printf '%s\0' "$GUEST_USER" >"$JOB/user"
	environment_write >"$JOB/environment"
	supervisor_prepare
}

# environment_write prints the environment of the command: the variables that it
# needs to find programs and to build Go, and those for the tests.
environment_write() {
	local name
	while read -r name; do
		case $name in
		RFCOMM_LAB) ;; # the guest sets it
		HOME | USER | LOGNAME | LANG | LC_* | TERM | TZ | GO* | CGO_* | CC | CXX | RFCOMM_*)
			printf '%s=%s\0' "$name" "${!name}"
			;;
		esac
	done < <(compgen -e)
	printf 'PATH=%s\0' "$COMMAND_PATH"
	if command -v go >/dev/null; then
		printf 'GOCACHE=%s\0' "$(go env GOCACHE)"
		printf 'GOMODCACHE=%s\0' "$(go env GOMODCACHE)"
	fi
	# The machine has no network: fail at once rather than after a timeout.
	printf 'GOPROXY=off\0GOTOOLCHAIN=local\0'
}

# supervisor_prepare builds the guest's supervisor into the job. The go command
# caches the build.
supervisor_prepare() {
	(cd "$ROOT" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false -o "$JOB/guest" ./lab/guest) >&2 ||
		fail "could not build the guest's supervisor"
}
