# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/host/.
foreach(name cgroup_limits cgroup_mounts event_ring kernel_file resource_limits user_threads)
	parkscope_unit_test(${name})
endforeach()
