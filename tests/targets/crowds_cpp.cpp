// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Crowds of C++ threads: see crowds.h.
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <queue>
#include <semaphore>
#include <shared_mutex>

#include "crowds.h"
#include "target.h"

namespace
{

struct Reply {
	std::promise<int> promise;
	std::future<int> future = promise.get_future();
};

TARGET_FRAME void wait_for_future(void *object)
{
	static_cast<Reply *>(object)->future.wait();
	target_keep_frame();
}

struct Signalled {
	std::mutex lock;
	std::condition_variable changed;
	unsigned tokens = 0;

	void take()
	{
		std::unique_lock guard(lock);

		changed.wait(guard, [this] { return tokens > 0; });
		tokens--;
	}

	void give()
	{
		std::lock_guard guard(lock);

		tokens++;
		changed.notify_one();
	}
};

Signalled tasks;

TARGET_FRAME void wait_for_condition(void *object)
{
	static_cast<Signalled *>(object)->take();
	target_keep_frame();
}

TARGET_FRAME void wait_for_task(void *object)
{
	static_cast<Signalled *>(object)->take();
	target_keep_frame();
}

struct Latch {
	std::latch latch{1};
};

TARGET_FRAME void wait_for_latch(void *object)
{
	static_cast<Latch *>(object)->latch.wait();
	target_keep_frame();
}

using Semaphore = std::counting_semaphore<>;

TARGET_FRAME void wait_for_slot(void *object)
{
	static_cast<Semaphore *>(object)->acquire();
	target_keep_frame();
}

struct Guarded {
	std::shared_mutex lock;

	// Its writer forgets to let go.
	Guarded()
	{
		lock.lock();
	}
};

TARGET_FRAME void wait_for_reader_lock(void *object)
{
	static_cast<Guarded *>(object)->lock.lock_shared();
	target_keep_frame();
}

template <typename T> void *make()
{
	return new T;
}

template <typename T> void drop(void *object)
{
	delete static_cast<T *>(object);
}

void *make_task()
{
	return &tasks;
}

void *make_semaphore()
{
	return new Semaphore(0);
}

void give(void *object)
{
	static_cast<Signalled *>(object)->give();
}

void count_down(void *object)
{
	static_cast<Latch *>(object)->latch.count_down();
}

void post(void *object)
{
	static_cast<Semaphore *>(object)->release();
}

// What release() may still look at when the thread is awake is not freed.
const crowd_kind kinds[] = {
	{"future", make<Reply>, wait_for_future, nullptr, nullptr, false},
	{"condition", make<Signalled>, wait_for_condition, give, drop<Signalled>, false},
	{"shared_condition", make_task, wait_for_task, give, nullptr, false},
	{"latch", make<Latch>, wait_for_latch, count_down, nullptr, true},
	{"semaphore", make_semaphore, wait_for_slot, post, nullptr, false},
	{"shared_mutex", make<Guarded>, wait_for_reader_lock, nullptr, nullptr, false},
};

} // namespace

int main(int argc, char **argv)
{
	crowds_run(argc, argv, kinds, sizeof(kinds) / sizeof(*kinds), &kinds[2]);
}
