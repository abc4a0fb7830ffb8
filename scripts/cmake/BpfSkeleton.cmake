# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# parkscope_bpf_skeleton(<name> <source.bpf.c>...)
#
# Compiles each source, links them into one object and generates <name>.skel.h.
# Defines the interface library <name>_skeleton, which carries the include directory and the build
# dependency. A failed bpftool leaves no half-written skeleton behind.

find_program(BPF_CLANG NAMES clang-14 clang REQUIRED DOC "clang that compiles for BPF")
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED DOC "bpftool of the build host")

# clang -target bpf does not look where Debian keeps the kernel's asm headers.
execute_process(
	COMMAND ${BPF_CLANG} -print-multiarch
	OUTPUT_VARIABLE BPF_MULTIARCH OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT BPF_MULTIARCH)
	set(BPF_MULTIARCH ${CMAKE_LIBRARY_ARCHITECTURE})
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
	set(BPF_TARGET_ARCH x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
	set(BPF_TARGET_ARCH arm64)
else()
	message(FATAL_ERROR "parkscope has no BPF code for ${CMAKE_SYSTEM_PROCESSOR}")
endif()

function(parkscope_bpf_skeleton name)
	set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
	set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
	set(objects)

	# Flags are spelled out: CMAKE_C_FLAGS of a distribution never reach BPF.
	foreach(source IN LISTS ARGN)
		set(object ${CMAKE_CURRENT_BINARY_DIR}/${source}.o)
		add_custom_command(
			OUTPUT ${object}
			COMMAND ${BPF_CLANG} -g -O2 -std=gnu11 -target bpf -mcpu=v2
				-D__TARGET_ARCH_${BPF_TARGET_ARCH}
				-Wall -Wextra -Wshadow -Wno-unused-parameter -Werror
				-I${PROJECT_SOURCE_DIR}
				-idirafter /usr/include/${BPF_MULTIARCH}
				-MD -MF ${object}.d -MT ${object}
				-c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
			DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
			DEPFILE ${object}.d
			COMMENT "BPF ${source}"
			VERBATIM)
		list(APPEND objects ${object})
	endforeach()

	add_custom_command(
		OUTPUT ${skeleton}
		COMMAND ${BPFTOOL} gen object ${linked} ${objects}
		COMMAND sh -c "'${BPFTOOL}' gen skeleton '${linked}' name ${name} > '${skeleton}.tmp'"
		COMMAND ${CMAKE_COMMAND} -E rename ${skeleton}.tmp ${skeleton}
		BYPRODUCTS ${linked}
		DEPENDS ${objects}
		COMMENT "Skeleton ${name}.skel.h"
		VERBATIM)

	add_custom_target(${name}_skeleton_generated DEPENDS ${skeleton})
	add_library(${name}_skeleton INTERFACE)
	target_include_directories(${name}_skeleton SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
	add_dependencies(${name}_skeleton ${name}_skeleton_generated)
endfunction()
