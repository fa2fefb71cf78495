# The number of the lab's machines that run at once. Sourced by lab/test.
# shellcheck shell=bash

# machines_at_once PROCESSORS KIB prints how many machines run at once on so many
# processors and so much free memory. A machine uses up to 3 GiB. With the tests, it
# keeps a processor busy for somewhat more than half of the time: three machines are
# enough for two processors.
machines_at_once() {
	local processors=$1 free=$2
	if ((processors < 2 || free < 8 << 20)); then
		echo 1
	elif ((free < 12 << 20)); then
		echo 2
	else
		echo 3
	fi
}

# free_memory prints the memory that programs can use, in KiB.
free_memory() { sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
