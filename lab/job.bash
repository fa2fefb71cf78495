# The job that the machine runs: the command, its environment, and the programs
# that are built for it outside of the machine. Sourced by lab/run.
# shellcheck shell=bash

# ENVIRONMENT is the environment of lab/run, whose variables bash does not
# distinguish from its own. VARIABLES are those of the options -e.
ENVIRONMENT=()
VARIABLES=()

# environment_read sets ENVIRONMENT. If this lab/run was started by run_go_test,
# it takes over VARIABLES.
environment_read() {
	mapfile -d '' -t ENVIRONMENT <"/proc/$$/environ"
	[[ -z ${RFCOMM_LAB_VARIABLES-} ]] ||
		mapfile -d '' -t VARIABLES < <(base64 -d <<<"$RFCOMM_LAB_VARIABLES")
}

# variable_pass NAME[=VALUE] adds a variable to VARIABLES. As with docker, an
# unset variable without a value is ignored.
variable_pass() {
	local name=${1%%=*} variable
	[[ $name =~ ^[a-zA-Z_][a-zA-Z0-9_]*$ ]] || wrong_usage "-e $name: not the name of a variable"
	[[ $name != RFCOMM_LAB ]] || wrong_usage "-e RFCOMM_LAB: the lab sets this variable itself"
	if [[ $1 == *=* ]]; then
		VARIABLES+=("$1")
		return
	fi
	for variable in "${ENVIRONMENT[@]}"; do
		[[ $variable != "$name="* ]] || VARIABLES+=("$variable")
	done
}

# run_go_test runs "go test" outside, where building is fast, and makes it start
# each test binary through this script.
run_go_test() {
	local again=("$BASH" "$LAB/run" -k "$SERIES" -t "$LIMIT" -accel "$ACCELERATOR")
	[[ -z $GUEST_USER ]] || again+=(-u "$GUEST_USER")
	[[ "${again[*]}" != *[\'\"]* ]] || fail "the path of lab/run contains a quote, which go test -exec cannot handle"
	# The values may contain quotes, and be secrets: they are not arguments.
	((!${#VARIABLES[@]})) || RFCOMM_LAB_VARIABLES=$(printf '%s\0' "${VARIABLES[@]}" | base64 -w 0)
	export RFCOMM_LAB_VARIABLES
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
	((!${#VARIABLES[@]})) || printf '%s\0' "${VARIABLES[@]}" >"$JOB/variables"
	supervisor_prepare
}

# environment_write prints the environment of the command: the variables that it
# needs to find programs and to build Go, and those for the tests.
environment_write() {
	local variable
	for variable in "${ENVIRONMENT[@]}"; do
		case ${variable%%=*} in
		RFCOMM_LAB | RFCOMM_LAB_VARIABLES) ;; # the guest sets the first one
		PATH | HOME | USER | LOGNAME | LANG | LC_* | TERM | TZ | GO* | CGO_* | CC | CXX | RFCOMM_*)
			printf '%s\0' "$variable"
			;;
		esac
	done
	printf 'GOCACHE=%s\0' "$(go env GOCACHE)"
	printf 'GOMODCACHE=%s\0' "$(go env GOMODCACHE)"
	# The machine has no network: fail at once rather than after a timeout.
	printf 'GOPROXY=off\0GOTOOLCHAIN=local\0'
}

# supervisor_prepare builds the guest's supervisor into the job. The go command
# caches the build. If the dependencies of this module are not available, such
# as without a network, the module in the current directory may have others.
supervisor_prepare() {
	supervisor_build "$LAB/.." ./lab/guest 2>"$JOB/build" ||
		supervisor_build "$PWD" github.com/go-rfcomm/rfcomm/lab/guest 2>/dev/null ||
		fail "could not build the guest's supervisor: $(<"$JOB/build")"
}

# supervisor_build DIRECTORY PACKAGE ignores settings that are meant for the
# current directory: a workspace, a vendor directory, another platform.
supervisor_build() {
	(
		cd -- "$1" || exit
		unset GOOS GOARCH GOAMD64 GOEXPERIMENT
		export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
		go build -trimpath -buildvcs=false -o "$JOB/guest" "$2"
	)
}
