# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/goruntime/.
foreach(name go_build_info go_layout go_layout_dwarf go_process go_runtime_tables go_semaphores
		go_version go_wait_reason goroutine goroutine_labels goroutine_stack goroutine_sweep
		goroutine_wait)
	parkscope_unit_test(${name})
endforeach()

# A program by the Go of this machine. PARKSCOPE_GO_BINARIES, a list with spaces, adds
# programs by others when test_go_layout_dwarf and test_go_wait_reason run.
set(go_sample ${CMAKE_CURRENT_BINARY_DIR}/go_sample)
function(go_sample_build path)
	add_custom_command(OUTPUT ${path}
		COMMAND ${CMAKE_COMMAND} -E env GOCACHE=${PARKSCOPE_GO_CACHE}
			GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local CGO_ENABLED=0
			${PARKSCOPE_GO} build -o ${path} ${ARGN}
			${CMAKE_CURRENT_SOURCE_DIR}/go_sample.go
		DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/go_sample.go
		VERBATIM)
endfunction()
go_sample_build(${go_sample})
go_sample_build(${go_sample}-stripped "-ldflags=-s -w")
go_sample_build(${go_sample}-pie -buildmode=pie)
add_custom_target(go_sample_program
	DEPENDS ${go_sample} ${go_sample}-stripped ${go_sample}-pie)
foreach(name go_build_info go_layout_dwarf go_process go_runtime_tables go_wait_reason)
	add_dependencies(test_${name} go_sample_program)
	target_compile_definitions(test_${name} PRIVATE GO_SAMPLE="${go_sample}")
endforeach()
