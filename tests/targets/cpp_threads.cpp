// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// C++ threads parked in what the standard library offers; per=N threads of each kind.
#include "target.h"

#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#if __cplusplus >= 202002L
#include <semaphore>
#endif
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <vector>

namespace parking
{

std::mutex state_mutex;
std::condition_variable state_changed;
bool state_is_final;
std::promise<int> answer;
std::shared_future<int> future_answer = answer.get_future().share();
std::mutex held_mutex;
#if __cplusplus >= 202002L
std::counting_semaphore<64> permits{0};
#endif

class Waiter
{
      public:
	// Methods and a template, so that there are names to demangle.
	TARGET_FRAME void wait_for_condition()
	{
		std::unique_lock<std::mutex> lock(state_mutex);
		state_changed.wait(lock, [] { return state_is_final; });
	}

	template <typename Result> TARGET_FRAME Result wait_for_future()
	{
		Result result = future_answer.get();
		target_keep_frame();
		return result;
	}

	TARGET_FRAME void wait_for_mutex()
	{
		std::lock_guard<std::mutex> guard(held_mutex);
		target_keep_frame();
	}

#if __cplusplus >= 202002L
	TARGET_FRAME void wait_for_semaphore()
	{
		permits.acquire();
		target_keep_frame();
	}
#endif
};

} // namespace parking

static uint64_t per_kind = 2;
static uint64_t parked;

template <typename Wait> static void park(const char *kind, Wait wait)
{
	std::promise<pid_t> started;
	std::future<pid_t> tid_future = started.get_future();

	// The thread owns the promise, which must outlive its own set_value().
	std::thread([kind, wait, started = std::move(started)]() mutable {
		parking::Waiter waiter;

		pthread_setname_np(pthread_self(), kind);
		started.set_value(target_gettid());
		wait(waiter);
	}).detach();

	pid_t tid = tid_future.get();

	target_wait_parked(tid, SYS_futex, TARGET_ANY);
	std::printf("thread=%s tid=%d\n", kind, tid);
	parked++;
}

static void report()
{
	target_print("threads", parked);
}

int main(int argc, char **argv)
{
	const struct target_option options[] = {{"per", &per_kind}};

	target_start(argc, argv, options, 1);
	target_on_report(report);
	parking::held_mutex.lock();
	for (uint64_t i = 0; i < per_kind; i++) {
		park("cpp_condition", [](parking::Waiter &w) { w.wait_for_condition(); });
		park("cpp_future", [](parking::Waiter &w) { w.wait_for_future<int>(); });
		park("cpp_mutex", [](parking::Waiter &w) { w.wait_for_mutex(); });
#if __cplusplus >= 202002L
		park("cpp_semaphore", [](parking::Waiter &w) { w.wait_for_semaphore(); });
#endif
	}
	target_print("threads", parked);
	target_ready();
	target_stand();
}
