/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Crowds of C threads: see crowds.h. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crowds.h"
#include "target.h"

static void *or_die(void *memory)
{
	if (!memory)
		target_die("no memory");
	return memory;
}

/* A condition variable of its own, or of all. */
struct signalled {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned tokens;
};

static struct signalled work = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void *cond_make(void)
{
	struct signalled *own = or_die(calloc(1, sizeof(*own)));

	pthread_mutex_init(&own->lock, NULL);
	pthread_cond_init(&own->changed, NULL);
	return own;
}

static void *work_make(void)
{
	return &work;
}

static void take_token(struct signalled *object)
{
	while (!object->tokens)
		pthread_cond_wait(&object->changed, &object->lock);
	object->tokens--;
}

TARGET_FRAME static void wait_for_reply(void *object)
{
	struct signalled *own = object;

	pthread_mutex_lock(&own->lock);
	take_token(own);
	pthread_mutex_unlock(&own->lock);
	target_keep_frame();
}

TARGET_FRAME static void wait_for_work(void *object)
{
	struct signalled *shared = object;

	pthread_mutex_lock(&shared->lock);
	take_token(shared);
	pthread_mutex_unlock(&shared->lock);
	target_keep_frame();
}

/* Ends by itself, after an hour. */
TARGET_FRAME static void wait_with_patience(void *object)
{
	struct signalled *own = object;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 3600;
	pthread_mutex_lock(&own->lock);
	while (!own->tokens)
		if (pthread_cond_timedwait(&own->changed, &own->lock, &end) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&own->lock);
	target_keep_frame();
}

static void cond_release(void *object)
{
	struct signalled *own = object;

	/* Signalled with the lock held: the thread may free the object as soon as it has it. */
	pthread_mutex_lock(&own->lock);
	own->tokens++;
	pthread_cond_signal(&own->changed);
	pthread_mutex_unlock(&own->lock);
}

static void *sem_make(void)
{
	sem_t *own = or_die(calloc(1, sizeof(*own)));

	sem_init(own, 0, 0);
	return own;
}

TARGET_FRAME static void wait_for_permit(void *object)
{
	while (sem_wait(object) < 0)
		;
	target_keep_frame();
}

static void sem_release(void *object)
{
	sem_post(object);
}

static void *futex_make(void)
{
	return or_die(calloc(1, sizeof(uint32_t)));
}

TARGET_FRAME static void wait_for_word(void *object)
{
	for (;;)
		target_futex_wait(object, 0);
}

/* The thread that is joined waits for a permit. */
struct joined {
	pthread_t thread;
	sem_t permit;
};

static void *joined_main(void *object)
{
	wait_for_permit(object);
	return NULL;
}

static void *join_make(void)
{
	struct joined *own = or_die(calloc(1, sizeof(*own)));

	sem_init(&own->permit, 0, 0);
	target_thread("joined", 64 * 1024, &own->thread, joined_main, &own->permit);
	return own;
}

TARGET_FRAME static void wait_for_thread(void *object)
{
	struct joined *own = object;

	pthread_join(own->thread, NULL);
	target_keep_frame();
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *mutex_make(void)
{
	pthread_mutex_trylock(&held);
	return &held;
}

TARGET_FRAME static void wait_for_lock(void *object)
{
	pthread_mutex_lock(object);
	target_keep_frame();
}

/* Both ends of what it reads. */
struct stream {
	int own, peer;
};

static void *socket_make(void)
{
	struct stream *stream = or_die(calloc(1, sizeof(*stream)));
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		target_die("socketpair: %m");
	*stream = (struct stream){ends[0], ends[1]};
	return stream;
}

static void *pipe_make(void)
{
	struct stream *stream = or_die(calloc(1, sizeof(*stream)));
	int ends[2];

	if (pipe(ends) < 0)
		target_die("pipe: %m");
	*stream = (struct stream){ends[0], ends[1]};
	return stream;
}

TARGET_FRAME static void serve_connection(void *object)
{
	struct stream *stream = object;
	char byte;

	if (read(stream->own, &byte, 1) < 0)
		target_die("read: %m");
	target_keep_frame();
}

TARGET_FRAME static void stream_release(void *object)
{
	struct stream *stream = object;

	if (write(stream->peer, "", 1) < 0)
		target_die("write: %m");
}

static void stream_drop(void *object)
{
	struct stream *stream = object;

	close(stream->own);
	close(stream->peer);
	free(stream);
}

/* What is shared, or what release() may still look at, is not freed: there are few of those. */
static const struct crowd_kind kinds[] = {
	{"cond", cond_make, wait_for_reply, cond_release, free, false},
	{"timed_cond", cond_make, wait_with_patience, cond_release, free, false},
	{"shared_cond", work_make, wait_for_work, cond_release, NULL, false},
	{"sem", sem_make, wait_for_permit, sem_release, NULL, false},
	{"futex", futex_make, wait_for_word, NULL, NULL, false},
	{"join", join_make, wait_for_thread, NULL, NULL, false},
	{"mutex", mutex_make, wait_for_lock, NULL, NULL, false},
	{"socket", socket_make, serve_connection, stream_release, stream_drop, false},
	{"pipe", pipe_make, serve_connection, stream_release, stream_drop, false},
};

int main(int argc, char **argv)
{
	crowds_run(argc, argv, kinds, sizeof(kinds) / sizeof(*kinds), &kinds[2]);
}
