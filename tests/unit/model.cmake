# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
foreach(name attribution budget check crowd dump dump_diff frame goroutine_list ladder limit_forecast loss memory_room report site site_id
	stay_sample thread_names trend verdict verdict_change verdict_class verdict_message verdict_patterns
	verdict_power wait_objects watched_process)
	parkscope_unit_test(${name})
endforeach()
