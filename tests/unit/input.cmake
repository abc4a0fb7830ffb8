# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
foreach(name dump_fields dump_file frame_text gunzip jsonl_dump jsonl_reader pprof_dump recording recording_damage recording_patterns)
	parkscope_unit_test(${name})
endforeach()
