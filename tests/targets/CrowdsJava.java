// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.io.File;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import javax.management.ObjectName;

/**
 * Crowds of Java threads that leak and healthy ones.
 * crowds_java KIND[+KIND...] PLAN [name=number]...; plans and protocol: README.md, "Crowds".
 */
public final class CrowdsJava {
	private static final double TICK_S = 0.1, CHURN_S = 0.1;

	private static final Map<String, Long> options = new HashMap<>();
	private static final AtomicLong arrived = new AtomicLong(), left = new AtomicLong();
	private static final LinkedBlockingQueue<Integer> tasks = new LinkedBlockingQueue<>();
	private static final ReentrantLock heldLock = new ReentrantLock();
	private static final Random random = new Random(1);

	/** A way to wait: park() waits until release() was called. */
	private abstract static class Unit {
		volatile boolean last; // its next stay to end is its last
		double leaves, due;    // for good, and the end of this stay

		abstract void park() throws Exception;

		abstract void release();

		/** Whether release() can be called but once. */
		boolean once() {
			return false;
		}

		void run() {
			try {
				do {
					arrived.incrementAndGet();
					park();
					left.incrementAndGet();
					// With a shared object another one than was meant may wake up.
				} while (!last);
			} catch (Exception e) {
				throw new IllegalStateException(e);
			}
		}
	}

	private static class OnLatch extends Unit {
		private final CountDownLatch latch = new CountDownLatch(1);

		void park() throws Exception {
			waitForLatch(latch);
		}

		void release() {
			latch.countDown();
		}

		boolean once() {
			return true;
		}
	}

	private static class OnFuture extends Unit {
		private final CompletableFuture<Integer> future = new CompletableFuture<>();

		void park() throws Exception {
			waitForFuture(future);
		}

		void release() {
			future.complete(1);
		}

		boolean once() {
			return true;
		}
	}

	private static class OnPark extends Unit {
		private final AtomicLong tokens = new AtomicLong();
		private volatile Thread thread;

		void park() {
			thread = Thread.currentThread();
			waitInPark(tokens);
		}

		void release() {
			tokens.incrementAndGet();
			LockSupport.unpark(thread);
		}
	}

	private static class OnMonitor extends Unit {
		private long tokens;

		synchronized void park() throws Exception {
			while (tokens == 0)
				waitInMonitor(this);
			tokens--;
		}

		synchronized void release() {
			tokens++;
			notify();
		}
	}

	private static class OnSynchronousQueue extends Unit {
		private final SynchronousQueue<Integer> queue = new SynchronousQueue<>();

		void park() throws Exception {
			takeReply(queue);
		}

		void release() {
			try {
				queue.put(1);
			} catch (InterruptedException e) {
				throw new IllegalStateException(e);
			}
		}
	}

	private static class OnSharedQueue extends Unit {
		void park() throws Exception {
			takeTask();
		}

		void release() {
			tasks.add(1);
		}
	}

	private static class OnLock extends Unit {
		void park() {
			waitForLock();
		}

		void release() {
			throw new IllegalStateException("nobody gives this lock away");
		}
	}

	private static void waitForLatch(CountDownLatch latch) throws InterruptedException {
		latch.await();
	}

	private static void waitForFuture(CompletableFuture<Integer> future) throws Exception {
		future.get();
	}

	private static void waitInPark(AtomicLong tokens) {
		while (tokens.get() == 0)
			LockSupport.park();
		tokens.decrementAndGet();
	}

	private static void waitInMonitor(Object monitor) throws InterruptedException {
		monitor.wait();
	}

	private static void takeReply(SynchronousQueue<Integer> queue) throws InterruptedException {
		queue.take();
	}

	private static void takeTask() throws InterruptedException {
		tasks.take();
	}

	private static void waitForLock() {
		heldLock.lock();
		heldLock.unlock();
	}

	/** What units come and go. */
	private static class Plan {
		final String name;
		final double rate = options.get("rate") / 60.0, size = options.get("size");
		final double period = options.get("period");

		Plan(String name) {
			this.name = name;
		}

		private static double during(boolean holds, double perS) {
			return holds ? perS : 0;
		}

		/** Units that come per second at t seconds. */
		double rate(double t) {
			double at = t % period, half = period / 2;

			switch (name) {
			case "leak": case "sawtooth": case "slower": case "sessions":
				return rate;
			case "leak_stops":
				return during(t < period, rate);
			case "pool":
				return during(t < 10, size / 10);
			case "fill": case "idle":
				return during(t < size / rate, rate);
			case "ramp":
				return rate * (1 - Math.abs(at - half) / half);
			case "autoscale": // five steps up in the first half, down again in the second
				return during(at < half && at % (period / 10) < 1, size / 5);
			case "batch":
				return during(at < period / 10, size / (period / 10));
			case "reload": case "bursts":
				return during(at < 1, size);
			default:
				throw new IllegalArgumentException("unknown plan: " + name);
			}
		}

		/** For how many seconds a unit that comes at t will be there. */
		double life(double t) {
			double at = t % period;

			switch (name) {
			case "ramp":
				return between(2, 30);
			case "autoscale":
				return period - 2 * at;
			case "batch":
				return 0.8 * period - at;
			case "sawtooth":
				return period - at;
			case "slower":
				return Math.min(0.1 + t / 10, period);
			case "reload": // the new ones are there before the old ones leave
				return period - at + 2;
			case "bursts":
				return between(2, 6);
			case "sessions":
				return between(0.1, 2) * period;
			default:
				return Double.POSITIVE_INFINITY;
			}
		}

		/** Whether units stay 10 to 30 s at a time. */
		boolean works() {
			return name.matches("pool|fill|autoscale|reload");
		}

		/** No work before all are there. */
		double workBegins(double t) {
			return name.equals("fill") ? size / rate : t;
		}
	}

	private static ExecutorService executor;
	/** Those that will be released some day. */
	private static final PriorityQueue<Unit> units =
		new PriorityQueue<>((a, b) -> Double.compare(a.due, b.due));

	private static double between(double least, double most) {
		return least + (most - least) * random.nextDouble();
	}

	private static Unit makeUnit(String kind) {
		switch (kind) {
		case "latch": case "cached": case "fixed": case "scheduled": case "forkjoin":
			return new OnLatch();
		case "future":
			return new OnFuture();
		case "park":
			return new OnPark();
		case "wait":
			return new OnMonitor();
		case "syncqueue":
			return new OnSynchronousQueue();
		case "shared_queue":
			return new OnSharedQueue();
		case "lock":
			return new OnLock();
		default:
			throw new IllegalArgumentException("unknown kind: " + kind);
		}
	}

	/** Kinds named like an executor run in one; its threads are idle in between. */
	private static ExecutorService makeExecutor(String kind) {
		int size = options.get("size").intValue();

		switch (kind) {
		case "cached":
			return Executors.newCachedThreadPool();
		case "fixed":
			return Executors.newFixedThreadPool(size);
		case "scheduled":
			return Executors.newScheduledThreadPool(size);
		case "forkjoin":
			return new ForkJoinPool(size);
		default:
			return null;
		}
	}

	private static void start(String kind, Plan plan, double t, double life) {
		Unit unit = makeUnit(kind);

		unit.last = !plan.works();
		unit.leaves = t + life;
		unit.due = plan.works()
			? Math.min(plan.workBegins(t) + between(10, 30), unit.leaves) : unit.leaves;
		if (plan.works() && unit.once())
			throw new IllegalArgumentException(kind + " does not go with this plan");
		if (unit.due < Double.POSITIVE_INFINITY)
			units.add(unit);
		if (executor == null)
			executor = makeExecutor(kind);
		if (executor != null) {
			executor.execute(unit::run);
			return;
		}
		Thread thread = new Thread(unit::run, kind);

		thread.setDaemon(true);
		thread.start();
	}

	private static void releaseDue(double t) {
		while (!units.isEmpty() && units.peek().due <= t) {
			Unit unit = units.poll();

			if (unit.leaves > t) {
				unit.due = Math.min(t + between(10, 30), unit.leaves);
				units.add(unit);
			} else {
				unit.last = true;
			}
			unit.release();
		}
	}

	/** Names of what was compiled, for whoever looks into this process: /tmp/perf-PID.map. */
	private static void writePerfMap() throws Exception {
		ManagementFactory.getPlatformMBeanServer().invoke(
			new ObjectName("com.sun.management:type=DiagnosticCommand"), "compilerPerfmap",
			new Object[] {}, new String[] {});
	}

	/**
	 * One unit comes and goes before anybody looks: what it calls is compiled then. Who looks earlier
	 * than the names are written finds none, and may remember that.
	 */
	private static void warmUp(String kind) throws Exception {
		Unit unit = makeUnit(kind);
		Thread thread = new Thread(unit::run, kind);

		unit.last = true;
		thread.start();
		unit.release();
		thread.join();
		arrived.set(0);
		left.set(0);
		writePerfMap();
	}

	private static void reportCounts() {
		long gone = left.get();

		System.out.println("stayed=" + (arrived.get() - gone) + " left=" + gone);
		System.out.flush();
	}

	private static synchronized void report() {
		/* nanoTime() is CLOCK_MONOTONIC on Linux. */
		System.out.println("monotonic_ns=" + System.nanoTime());
		reportCounts();
		System.out.println("end");
		System.out.flush();
	}

	private static void finish() {
		System.out.println("final=1");
		report();
		if (options.get("perf_map") > 0)
			new File("/tmp/perf-" + ProcessHandle.current().pid() + ".map").delete();
		Runtime.getRuntime().halt(0);
	}

	private static void readCommands() {
		try (var input = new java.util.Scanner(System.in)) {
			while (input.hasNextLine()) {
				String command = input.nextLine();

				if (command.equals("quit"))
					break;
				if (!command.equals("report"))
					throw new IllegalArgumentException("unknown command: " + command);
				report();
			}
		}
		System.exit(0);
	}

	public static void main(String[] arguments) throws Exception {
		for (String name : "churn pool seconds autogo exit_when_done perf_map".split(" "))
			options.put(name, 0L);
		options.putAll(Map.of("rate", 120L, "size", 200L, "period", 120L, "stdin", 1L));
		if (arguments.length < 2)
			throw new IllegalArgumentException("usage: KIND[+KIND...] PLAN [name=number]...");
		for (int i = 2; i < arguments.length; i++) {
			String[] pair = arguments[i].split("=", 2);

			if (pair.length != 2 || !options.containsKey(pair[0]))
				throw new IllegalArgumentException("unknown argument: " + arguments[i]);
			options.put(pair[0], Long.parseLong(pair[1]));
		}
		/* SIGTERM runs this; halt() inside makes the status 0. */
		Runtime.getRuntime().addShutdownHook(new Thread(CrowdsJava::finish, "finish"));
		System.out.println("pid=" + ProcessHandle.current().pid());
		if (options.get("perf_map") > 0)
			for (String kind : arguments[0].split("\\+"))
				warmUp(kind);
		System.out.println("ready");
		System.out.flush();
		if (options.get("stdin") != 0) {
			Thread commands = new Thread(CrowdsJava::readCommands, "commands");

			commands.setDaemon(true);
			commands.start();
		}
		heldLock.lock();
		follow(arguments[0].split("\\+"), arguments[1]);
	}

	/** A tick each tenth of a second, none left out. */
	private static void follow(String[] kinds, String planName) throws Exception {
		Plan plan = new Plan(planName), brief = new Plan("leak"), pool = new Plan("pool");
		long startNs = System.nanoTime();
		double due = 0, churnDue = 0;
		int turn = 0;

		for (long i = 0; i < options.get("pool"); i++)
			start("shared_queue", pool, 0, Double.POSITIVE_INFINITY);
		for (long tick = 1;; tick++) {
			double t = tick * TICK_S;

			TimeUnit.NANOSECONDS.sleep(startNs + (long)(t * 1e9) - System.nanoTime());
			if (options.get("seconds") > 0 && t >= options.get("seconds"))
				System.exit(0);
			releaseDue(t);
			for (due += plan.rate(t) * TICK_S; due >= 1; due--)
				start(kinds[turn++ % kinds.length], plan, t, plan.life(t));
			for (churnDue += options.get("churn") * TICK_S; churnDue >= 1; churnDue--)
				start(kinds[turn % kinds.length], brief, t, CHURN_S);
			if (tick % 10 == 0)
				reportCounts();
			if (options.get("perf_map") > 0 && tick % (10 * options.get("perf_map")) == 0)
				writePerfMap();
		}
	}
}
