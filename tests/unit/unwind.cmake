# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/unwind/ and of bpf/unwind_step.h.
foreach(name
		cfi_cursor code_tables frame_description frame_program frame_row kernel_rows kernel_tables
		map_write
		range_allocator row_builder unwind_oracle unwind_step unwind_table user_walk)
	parkscope_unit_test(${name})
endforeach()

# elfutils is the oracle: nothing but this test uses it.
pkg_check_modules(LIBDW REQUIRED IMPORTED_TARGET libdw libelf)
target_link_libraries(test_unwind_oracle PRIVATE PkgConfig::LIBDW)
