/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_TESTS_GO_PROGRAM_FIXTURE_H
#define PARKSCOPE_TESTS_GO_PROGRAM_FIXTURE_H

/* go_sample.go as a process, and changed copies of its file. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch_file.h"

struct go_program {
	pid_t pid;
	int input; /* its standard input: it ends with it */
};

static inline void go_program_child(const char *path, const int input[2], const int output[2],
				    bool traced)
{
	dup2(input[0], STDIN_FILENO);
	dup2(output[1], STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		close(input[i]);
		close(output[i]);
	}
	if (!traced || ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
		execl(path, path, (char *)NULL);
	_exit(127);
}

/* It has said that it is ready; or where it is traced, it stands before its first instruction. */
static inline void go_program_start(struct go_program *program, const char *path, bool traced)
{
	int input[2], output[2];
	char text[6] = "";

	assert_int_equal(pipe(input), 0);
	assert_int_equal(pipe(output), 0);
	program->pid = fork();
	assert_true(program->pid >= 0);
	if (program->pid == 0)
		go_program_child(path, input, output, traced);
	close(input[0]);
	close(output[1]);
	program->input = input[1];
	if (traced) {
		int status;

		assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
		assert_true(WIFSTOPPED(status));
	} else {
		assert_int_equal(read(output[0], text, sizeof(text)), sizeof(text));
		assert_memory_equal(text, "ready\n", sizeof(text));
	}
	close(output[0]);
}

static inline void go_program_stop(const struct go_program *program)
{
	close(program->input);
	kill(program->pid, SIGKILL);
	assert_int_equal(waitpid(program->pid, NULL, 0), program->pid);
}

/* The whole file. The caller's to free(). */
static inline char *go_program_read(const char *path, size_t *size)
{
	struct stat status;
	char *bytes = scratch_read(path);

	assert_int_equal(stat(path, &status), 0);
	*size = (size_t)status.st_size;
	return bytes;
}

static inline void go_program_write(const char *path, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* As some packers leave a program: the section table is gone. */
static inline void go_program_cut_sections(char *bytes)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;

	header->e_shoff = 0;
	header->e_shnum = header->e_shstrndx = 0;
}

#endif
