#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What parkscope costs those who do not wait: nothing. No system call is hooked.

load common

PAIRS=12

# ns_per_getppid: least of many batches, so that what else runs on the machine counts little.
ns_per_getppid() {
	"$TARGETS/getppid_loop" calls=100000 batches=20 autogo=1 exit_when_done=1 stdin=0 |
		sed -n 's/^ns_per_call=//p' | tail -n 1
}

@test "a loop of other system calls is as fast with parkscope on the whole host as without" {
	local pair with without

	for ((pair = 0; pair < PAIRS; pair++)); do
		without=$(ns_per_getppid)
		parkscope_start "pair.$pair" -i 500ms --full
		with=$(ns_per_getppid)
		kill -INT "$SCOPE"
		wait "$SCOPE"
		echo "$with $without" >>"$BATS_TEST_TMPDIR/pairs"
	done
	# The least of each side: whatever else runs on the machine only adds.
	ratio=$(awk 'NR == 1 || $1 < with { with = $1 } NR == 1 || $2 < without { without = $2 }
		END { printf "%.4f", with / without }' "$BATS_TEST_TMPDIR/pairs")
	echo "# getppid with parkscope / without: $ratio, least of $PAIRS runs each" >&3
	[ "$(wc -l <"$BATS_TEST_TMPDIR/pairs")" = "$PAIRS" ]
	awk -v ratio="$ratio" 'BEGIN { exit !(ratio > 0.8 && ratio <= 1.05) }' ||
		fail "the ratio is $ratio"
}
