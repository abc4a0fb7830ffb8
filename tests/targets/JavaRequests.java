// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.LongAdder;

/**
 * A service that is never idle, to be measured: 8 clients hand requests to 8 workers through a queue
 * and wait for the answer, which is a digest of so many KiB: "kib=N", 4 by default. "report" as in
 * README.md, with requests=.
 */
public final class JavaRequests {
	private static final int CLIENTS = 8;
	private static final int WORKERS = 8;
	private static int requestBytes = 4096;

	private static final class Request {
		final byte[] text = new byte[requestBytes];
		final BlockingQueue<byte[]> answer = new ArrayBlockingQueue<>(1);
	}

	private static final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
	private static final LongAdder answered = new LongAdder();

	private static void work() {
		try {
			MessageDigest digest = MessageDigest.getInstance("SHA-256");

			while (true) {
				Request request = requests.take();

				request.answer.put(digest.digest(request.text));
			}
		} catch (InterruptedException | NoSuchAlgorithmException e) {
			throw new IllegalStateException(e);
		}
	}

	private static void ask() {
		Request request = new Request();

		try {
			while (true) {
				requests.put(request);
				request.text[0] = request.answer.take()[0];
				answered.increment();
			}
		} catch (InterruptedException e) {
			Thread.currentThread().interrupt();
		}
	}

	private static void start(String name, Runnable run) {
		Thread thread = new Thread(run, name);

		thread.setDaemon(true);
		thread.start();
	}

	public static void main(String[] arguments) throws IOException {
		BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
		String command;

		for (String argument : arguments) {
			if (!argument.matches("kib=[1-9][0-9]{0,4}"))
				throw new IllegalArgumentException("usage: [kib=N]");
			requestBytes = 1024 * Integer.parseInt(argument.substring(4));
		}
		System.out.println("pid=" + ProcessHandle.current().pid());
		for (int i = 0; i < WORKERS; i++)
			start("worker", JavaRequests::work);
		for (int i = 0; i < CLIENTS; i++)
			start("client", JavaRequests::ask);
		System.out.println("threads=" + (WORKERS + CLIENTS));
		System.out.println("ready");
		while ((command = commands.readLine()) != null && !command.equals("quit")) {
			if (!command.equals("report"))
				continue;
			System.out.println("monotonic_ns=" + System.nanoTime());
			System.out.println("requests=" + answered.sum());
			System.out.println("end");
		}
	}
}
