// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** Java threads parked in park(), wait(), a queue, a lock; per=N of each. Protocol: README.md. */
public final class JavaThreads {
	private static final Map<String, Long> options = new HashMap<>();
	private static final Object monitor = new Object();
	private static final LinkedBlockingQueue<String> requests = new LinkedBlockingQueue<>();
	private static final ReentrantLock heldLock = new ReentrantLock();
	private static final Object heldMonitor = new Object();
	private static long parked;

	private static void waitInPark() {
		while (true)
			LockSupport.park();
	}

	private static void waitInMonitor() {
		synchronized (monitor) {
			try {
				while (true)
					monitor.wait();
			} catch (InterruptedException e) {
				Thread.currentThread().interrupt();
			}
		}
	}

	private static void waitForRequest() {
		try {
			while (true)
				requests.take();
		} catch (InterruptedException e) {
			Thread.currentThread().interrupt();
		}
	}

	private static void waitForLock() {
		heldLock.lock();
		heldLock.unlock();
	}

	private static void waitForMonitor() {
		synchronized (heldMonitor) {
			System.err.println("nobody gives this monitor away");
		}
	}

	private static String read(Path file) throws IOException {
		return new String(Files.readAllBytes(file));
	}

	/** The thread of that name, which the JVM passes on to the kernel, or -1. */
	private static long findTid(String name) throws IOException {
		try (var tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
			for (Path task : tasks) {
				try {
					if (read(task.resolve("comm")).trim().equals(name))
						return Long.parseLong(task.getFileName().toString());
				} catch (IOException gone) {
					continue;
				}
			}
		}
		return -1;
	}

	/** Until Java and the kernel agree that it waits. */
	private static long waitParked(Thread thread) throws IOException, InterruptedException {
		String number = System.getProperty("os.arch").equals("amd64") ? "202" : "98";

		for (int i = 0; i < 60000; i++) {
			Thread.State state = thread.getState();
			long tid = findTid(thread.getName());

			if (tid >= 0 && (state == Thread.State.WAITING || state == Thread.State.BLOCKED)) {
				Path task = Path.of("/proc/self/task/" + tid);
				String stat = read(task.resolve("stat"));

				if (stat.charAt(stat.lastIndexOf(')') + 2) == 'S'
						&& read(task.resolve("syscall")).startsWith(number + " "))
					return tid;
			}
			Thread.sleep(1);
		}
		throw new IllegalStateException(thread.getName() + " does not sleep as it should");
	}

	private static void park(String name, Runnable run) throws IOException, InterruptedException {
		Thread thread = new Thread(run, name);

		thread.setDaemon(true);
		thread.start();
		System.out.println("thread=" + name + " tid=" + waitParked(thread));
		parked++;
	}

	private static void report() {
		/* nanoTime() is CLOCK_MONOTONIC on Linux. */
		System.out.println("monotonic_ns=" + System.nanoTime());
		System.out.println("threads=" + parked);
		System.out.println("end");
		System.out.flush();
	}

	private static void finish() {
		System.out.println("final=1");
		report();
		Runtime.getRuntime().halt(0);
	}

	public static void main(String[] arguments) throws IOException, InterruptedException {
		options.put("per", 2L);
		options.put("seconds", 0L);
		options.put("stdin", 1L);
		options.put("autogo", 0L);
		options.put("exit_when_done", 0L);
		for (String argument : arguments) {
			String[] pair = argument.split("=", 2);

			if (pair.length != 2 || !options.containsKey(pair[0]))
				throw new IllegalArgumentException("unknown argument: " + argument);
			options.put(pair[0], Long.parseLong(pair[1]));
		}
		/* SIGTERM runs this; halt() inside makes the status 0. */
		Runtime.getRuntime().addShutdownHook(new Thread(JavaThreads::finish, "finish"));

		System.out.println("pid=" + ProcessHandle.current().pid());
		heldLock.lock();
		synchronized (heldMonitor) {
			for (long i = 0; i < options.get("per"); i++) {
				park("java_park_" + i, JavaThreads::waitInPark);
				park("java_wait_" + i, JavaThreads::waitInMonitor);
				park("java_queue_" + i, JavaThreads::waitForRequest);
				park("java_lock_" + i, JavaThreads::waitForLock);
				park("java_monitor_" + i, JavaThreads::waitForMonitor);
			}
			System.out.println("threads=" + parked);
			System.out.println("ready");
			System.out.flush();
			serve();
		}
	}

	private static void serve() throws IOException, InterruptedException {
		if (options.get("seconds") > 0) {
			Thread timer = new Thread(() -> {
				try {
					Thread.sleep(options.get("seconds") * 1000);
				} catch (InterruptedException e) {
					return;
				}
				System.exit(0);
			}, "timer");

			timer.setDaemon(true);
			timer.start();
		}
		if (options.get("stdin") == 0)
			Thread.currentThread().join();

		StringBuilder line = new StringBuilder();

		while (true) {
			int next = System.in.read();

			if (next < 0)
				break;
			if (next != '\n') {
				line.append((char)next);
				continue;
			}
			String command = line.toString();

			line.setLength(0);
			if (command.equals("quit"))
				break;
			if (command.equals("report"))
				report();
			else if (!command.equals("go") && !command.equals("stop"))
				throw new IllegalArgumentException("unknown command: " + command);
		}
		System.exit(0);
	}
}
