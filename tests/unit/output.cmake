# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
foreach(name buffer check_line diff_text emission emission_verdict escape format go_stacks json_text jsonl jsonl_diff jsonl_go jsonl_verdict pprof run sink text text_cost text_go text_layout text_verdict wait_objects_text where)
	parkscope_unit_test(${name})
endforeach()

# Runs tests/e2e/validate-jsonl on what the test writes.
get_filename_component(validate_jsonl ${CMAKE_CURRENT_LIST_DIR}/../e2e/validate-jsonl ABSOLUTE)
foreach(name jsonl jsonl_diff jsonl_dump jsonl_go jsonl_verdict)
	target_compile_definitions(test_${name} PRIVATE VALIDATE_JSONL="${validate_jsonl}")
endforeach()
