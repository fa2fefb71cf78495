# The virtual machine, and the exit status that its end means. Sourced by
# lab/run, which defines note, fail, the options and the job.
# shellcheck shell=bash disable=SC2034 # lab/run uses CHILDREN

# About one boot in several hundred fails before the command starts, by a fault
# of the emulation. Several in a row have another cause.
BOOT_ATTEMPTS=3

# The seconds within which a machine must start its command under KVM. With
# hardware virtualization, it takes about 2 s.
KVM_PATIENCE=15

# The same for the emulation, which takes about 10 s on an idle machine. Rarely, a
# kernel stops early in its boot, and the emulation is idle from then on.
TCG_PATIENCE=150
KVM_DEVICE=/dev/kvm

# The file with a new identifier after each boot.
BOOT_ID=/proc/sys/kernel/random/boot_id

# accelerator_check replaces KVM by the emulation if this machine cannot use it.
# A machine that KVM did not start is remembered until the next boot, so that
# only one machine of several waits for KVM.
accelerator_check() {
	local failed=$CACHE/kvm-failed
	if [[ $ACCELERATOR != kvm ]]; then
		return
	elif [[ ! -e $KVM_DEVICE ]]; then
		accelerator_replace "there is no $KVM_DEVICE"
	elif ! { : <>"$KVM_DEVICE"; } 2>/dev/null; then
		accelerator_replace "no permission to open $KVM_DEVICE"
	elif [[ -e $failed && $(<"$failed") == "$(<"$BOOT_ID")" ]]; then
		accelerator_replace "an earlier machine did not start (remove $failed to try again)"
	fi
}

accelerator_replace() {
	ACCELERATOR=tcg
	note "-accel kvm does not work: $1; continuing with tcg"
}

# accelerator_drop is for a machine that has not started under KVM.
accelerator_drop() {
	local reason
	reason=$(grep -a -v -m 1 warning: "$JOB/qemu") || reason="QEMU ended without a message"
	[[ ! -e $JOB/late ]] || reason=$(boot_late)
	cat "$BOOT_ID" >"$CACHE/kvm-failed" || true
	accelerator_replace "$reason"
}

# boot_patience prints the seconds within which a machine must start its command.
boot_patience() {
	local -n patience=${ACCELERATOR^^}_PATIENCE
	echo "$patience"
}

# boot_late prints that boot_watch has ended the machine, or fails if it has not.
boot_late() {
	[[ -e $JOB/late ]] || return 1
	echo "the command was not started within $(boot_patience) s"
}

# boot_watch MACHINE ends a machine that does not start its command in time.
boot_watch() {
	read -r -t "$(boot_patience)" <>"$JOB/never" || true # sleeps, without a process
	reported started || { : >"$JOB/late" && kill -KILL "$1"; }
}

# machine_boot boots the machine until it has run the command. Then judge exits.
machine_boot() {
	local attempt
	for ((attempt = 1; attempt <= BOOT_ATTEMPTS; attempt++)); do
		machine_run
		judge
		if [[ $ACCELERATOR == kvm ]]; then
			accelerator_drop
			attempt=0
			continue
		fi
		note "the guest ended before the command had started: $(boot_late || kernel_crash || tail -n 1 "$JOB/qemu")"
	done
	console_tail 40
	no_kernel "the guest did not boot in $BOOT_ATTEMPTS attempts"
}

# machine_run boots the machine once, passes its output on, and sets ENDED to
# the reason why it ended: job (or the machine ended by itself), reader (the
# reader of the output has closed it) or limit.
machine_run() {
	local ended='' port machine relay timer watch
	rm -f "$JOB/port" "$JOB/never" "$JOB/late"
	mkfifo "$JOB/port" "$JOB/never"
	printf '%s\0' $((EPOCHSECONDS + LIMIT_SECONDS)) >"$JOB/deadline"
	: >"$JOB/reports"
	: >"$JOB/console"
	sleep "$LIMIT_SECONDS" &
	timer=$!
	"$JOB/guest" relay "$JOB/reports" <"$JOB/port" &
	relay=$!
	# Open until the machine has opened it, so that the relay reads the end of
	# the file even if the machine does not start.
	exec {port}>"$JOB/port"
	machine_start "$port" >"$JOB/qemu" 2>&1 </dev/null &
	machine=$!
	exec {port}>&-
	boot_watch "$machine" >/dev/null 2>&1 </dev/null &
	watch=$!
	CHILDREN=("$machine" "$relay" "$timer" "$watch")

	ENDED="job"
	{ # without bash's messages about killed processes
		if ! wait -n -p ended "$machine" "$relay" "$timer" && [[ $ended == "$relay" ]]; then
			ENDED="reader"
		elif [[ $ended == "$timer" ]]; then
			ENDED="limit"
		fi
		kill -KILL "$machine" "$timer" "$watch" || true
		wait "$machine" "$timer" "$relay" "$watch" || true
	} 2>/dev/null
	CHILDREN=()
}

# machine_start PORT replaces this process by the machine, whose port writes to
# descriptor PORT. Its serial ports ttyS1 and ttyS2 are joined by a socket, which
# carries no modem signals. The socket's name is abstract, since that of a file
# may be longer than a socket's address.
machine_start() {
	local parameters=(
		console=ttyS0 loglevel=5 # warnings and worse
		panic=-1 oops=panic      # a crash ends the machine
		softlockup_panic=1 watchdog_thresh=30
		sysctl.kernel.hung_task_timeout_secs=180 # reported, see console_notes
		cryptomgr.notests=1 mitigations=off nokaslr
	)
	local accelerator=$ACCELERATOR
	[[ $accelerator != tcg ]] || accelerator+=,thread=multi
	# shellcheck disable=SC2054 # the commas are QEMU's
	local options=(
		-nodefaults -no-user-config -machine q35 -accel "$accelerator" -cpu max -smp 2 -m 3072
		-display none -monitor none -no-reboot
		-kernel "$KERNEL_IMAGE" -initrd "$KERNEL_INITRAMFS" -append "${parameters[*]}"
		-chardev "file,id=console,path=$JOB/console" -serial chardev:console
		-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
		-virtfs "local,path=$JOB,mount_tag=job,security_model=none,readonly=on,multidevs=remap"
		-device virtio-serial-pci -chardev "file,id=port,path=/proc/self/fd/$1"
		-device virtserialport,chardev=port,name=rfcomm-lab
		-chardev "socket,id=uart1,path=${JOB##*/},abstract=on,server=on,wait=off"
		-chardev "socket,id=uart2,path=${JOB##*/},abstract=on"
		-device isa-serial,chardev=uart1,index=1
		-device isa-serial,chardev=uart2,index=2,irq=5 # the third port's own is that of the console
	)
	# The machine must end with lab/run, even if lab/run is killed.
	exec setpriv --pdeathsig KILL qemu-system-x86_64 "${options[@]}"
}

# console_tail prints the end of the guest's kernel console.
console_tail() {
	sed 's/\r$//; s/^/lab: | /' "$JOB/console" | tail -n "$1" >&2
}

# console_text prints the console without times and carriage returns.
console_text() { tr -d '\r' <"$JOB/console" | sed -E 's/^\[ *[0-9.]+\] //'; }

# Patterns of the kernel's failures and warnings. Not every failure ends the
# kernel.
KERNEL_FAILURES='list_(add|del) corruption|BUG: |Oops: |general protection fault|kernel BUG at|Kernel panic'
KERNEL_WARNINGS="WARNING: |INFO: .*(blocked for more than|detected stall|self-detected)|$KERNEL_FAILURES"

# kernel_crash prints the line that describes a crash of the guest's kernel: the
# first failure before the panic with which every crash ends.
kernel_crash() {
	grep -a -q 'Kernel panic' "$JOB/console" || return 1
	console_text | grep -a -m 1 -E "$KERNEL_FAILURES"
}

# console_crash prints the console from a few lines before the crash.
console_crash() {
	tr -d '\r' <"$JOB/console" | grep -a -m 1 -B 3 -A 40 -E "$KERNEL_FAILURES" | sed 's/^/lab: | /' >&2
}

# console_notes prints the kernel's warnings that did not end it. The self-test
# of ecdh causes one on every boot of some kernels.
console_notes() {
	local line
	while IFS= read -r line; do
		note "note: kernel warning: $line"
	done < <(console_text | grep -a -E "$KERNEL_WARNINGS" | grep -a -v ecdh)
}

# reported KIND succeeds if the guest has sent a report of this kind.
reported() { grep -qs "^$1\\b" "$JOB/reports"; }

# judge exits with the status for the reason why the machine ended, or returns
# if the machine must be started again.
judge() {
	local kind text code='' crash
	crash=$(kernel_crash || true)
	if [[ $ENDED == job ]] && ! reported started && ! reported failed; then
		return 0
	fi
	while read -r kind text; do
		case $kind in
		exit) code=$text ;;
		note) note "$text" ;;
		failed) fail "the lab could not be set up: $text" ;;
		esac
	done <"$JOB/reports"
	if [[ -n $crash ]]; then
		note "the guest kernel crashed: $crash"
		console_crash
		exit "$STATUS_LAB"
	fi
	console_notes
	case $ENDED in
	reader) exit 141 ;; # like a command that has written to a closed pipe
	limit)
		reported started || no_kernel "hang: the guest did not start the command within the time limit of $LIMIT"
		note "hang: the command was still running when the time limit of $LIMIT passed: ${COMMAND[*]}"
		note "end of the guest's console (with the stacks of blocked tasks, if any):"
		console_tail 60
		exit "$STATUS_TIMEOUT"
		;;
	esac
	[[ -n $code ]] || { console_tail 20 && fail "the machine ended without the command's status"; }
	exit "$code"
}
