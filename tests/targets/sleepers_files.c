/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sleepers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A descriptor that never becomes readable, or -1. */
static int silent_fd(void)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC) < 0 ? -1 : ends[0];
}

TARGET_FRAME void sleep_in_epoll_wait(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int silent = silent_fd();

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, silent, &event) == 0)
		epoll_wait(epoll, &event, 1, -1);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_poll(void)
{
	struct pollfd polled = {.fd = silent_fd(), .events = POLLIN};

	poll(&polled, 1, -1);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_ppoll(void)
{
	struct pollfd polled = {.fd = silent_fd(), .events = POLLIN};

	ppoll(&polled, 1, NULL, NULL);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_select(void)
{
	int silent = silent_fd();
	fd_set readable;

	if (silent < 0 || silent >= FD_SETSIZE)
		return;
	FD_ZERO(&readable);
	FD_SET(silent, &readable);
	select(silent + 1, &readable, NULL, NULL, NULL);
	target_keep_frame();
}

static void read_for_ever(int fd)
{
	char bytes[4096];

	if (fd < 0)
		return;
	while (read(fd, bytes, sizeof(bytes)) < 0 && errno == EINTR)
		;
	target_keep_frame();
}

TARGET_FRAME void sleep_in_pipe_read(void)
{
	read_for_ever(silent_fd());
	target_keep_frame();
}

TARGET_FRAME void sleep_in_pipe_write(void)
{
	static const char bytes[4096];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	if (errno != EAGAIN || fcntl(ends[1], F_SETFL, 0) < 0)
		return;
	if (write(ends[1], bytes, sizeof(bytes)) > 0)
		return;
	target_keep_frame();
}

TARGET_FRAME void sleep_in_socket_read(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
		read_for_ever(ends[0]);
	target_keep_frame();
}

static int bound_socket(int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	/* In a bare guest the loopback interface is down and has no address. */
	address.sin_addr.s_addr = htonl(INADDR_ANY);
	if (errno == EADDRNOTAVAIL && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

TARGET_FRAME void sleep_in_accept(void)
{
	int fd = bound_socket(SOCK_STREAM);

	if (fd >= 0 && listen(fd, 1) == 0)
		accept(fd, NULL, NULL);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_udp_recv(void)
{
	int fd = bound_socket(SOCK_DGRAM);
	char bytes[64];

	if (fd >= 0 && recvfrom(fd, bytes, sizeof(bytes), 0, NULL, NULL) >= 0)
		return;
	target_keep_frame();
}

TARGET_FRAME void sleep_in_eventfd_read(void)
{
	read_for_ever(eventfd(0, EFD_CLOEXEC));
	target_keep_frame();
}

TARGET_FRAME void sleep_in_timerfd_read(void)
{
	const struct itimerspec far = {.it_value.tv_sec = 7 * 24 * 3600};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd >= 0 && timerfd_settime(fd, 0, &far, NULL) == 0)
		read_for_ever(fd);
	target_keep_frame();
}

TARGET_FRAME void sleep_in_inotify_read(void)
{
	/* Without a watch nothing ever happens, and no file system is needed. */
	read_for_ever(inotify_init1(IN_CLOEXEC));
	target_keep_frame();
}

TARGET_FRAME void sleep_in_io_uring(void)
{
	struct io_uring_params parameters;
	long ring;

	memset(&parameters, 0, sizeof(parameters));
	ring = syscall(SYS_io_uring_setup, 4, &parameters);
	if (ring >= 0)
		syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	target_keep_frame();
}
