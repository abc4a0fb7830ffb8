# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
foreach(name crowd frame goroutine_list ladder limit_forecast loss report site site_id thread_names
	trend verdict verdict_class verdict_message verdict_patterns wait_objects watched_process)
	parkscope_unit_test(${name})
endforeach()
