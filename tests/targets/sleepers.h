/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One thread per way to sleep. Each function below sets up its own wait and then never returns; if
 * it does return, the kernel does not have that wait. */
#ifndef TESTS_TARGETS_SLEEPERS_H
#define TESTS_TARGETS_SLEEPERS_H

#include "target.h"

/* sleepers_files.c: pipes, sockets and other descriptors */
void sleep_in_epoll_wait(void);
void sleep_in_poll(void);
void sleep_in_ppoll(void);
void sleep_in_select(void);
void sleep_in_pipe_read(void);
void sleep_in_pipe_write(void);
void sleep_in_socket_read(void);
void sleep_in_accept(void);
void sleep_in_udp_recv(void);
void sleep_in_eventfd_read(void);
void sleep_in_timerfd_read(void);
void sleep_in_inotify_read(void);
void sleep_in_io_uring(void);

/* sleepers.c: everything else */
void sleep_in_nanosleep(void);
void sleep_in_pause(void);
void sleep_in_sigwait(void);
void sleep_in_flock(void);
void sleep_in_fcntl_lock(void);
void sleep_in_wait4(void);
void sleep_in_vfork(void);
void sleep_in_msgrcv(void);
void sleep_in_semop(void);
void sleep_in_futex(void);

#endif
