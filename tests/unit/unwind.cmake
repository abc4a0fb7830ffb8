# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/unwind/.
foreach(name range_allocator user_walk)
	parkscope_unit_test(${name})
endforeach()
