// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! Rust threads parked in Condvar, Mutex, mpsc, thread::park and join; per=N of each. No crates.
//! Protocol: README.md.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::io::RawFd;
use std::process::exit;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// std::hint::black_box is younger than the compiler of Debian 12: what is done before a call of
/// this cannot become a jump.
#[inline(always)]
fn black_box<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

extern "C" {
    fn gettid() -> i32;
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn pipe(ends: *mut i32) -> i32;
    fn write(fd: i32, bytes: *const u8, count: usize) -> isize;
    fn poll(polled: *mut PollFd, count: u64, timeout_ms: i32) -> i32;
    fn clock_gettime(clock: i32, now: *mut Timespec) -> i32;
}

const SIGTERM: i32 = 15;
const POLLIN: i16 = 1;
const CLOCK_MONOTONIC: i32 = 1;

static TERMINATED_FD: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_termination(_number: i32) {
    unsafe {
        write(TERMINATED_FD.load(Ordering::SeqCst), b"t".as_ptr(), 1);
    }
}

fn say(line: &str) {
    println!("{}", line);
    std::io::stdout().flush().unwrap();
}

fn fail(message: &str) -> ! {
    eprintln!("rust_threads: {}", message);
    exit(1);
}

#[inline(never)]
fn wait_for_condition(pair: &(Mutex<bool>, Condvar)) {
    let mut done = pair.0.lock().unwrap();
    while !*done {
        done = pair.1.wait(done).unwrap();
    }
}

#[inline(never)]
fn wait_for_mutex(mutex: &Mutex<u32>) {
    black_box(*mutex.lock().unwrap());
}

#[inline(never)]
fn wait_for_message(receiver: &mpsc::Receiver<u32>) {
    black_box(receiver.recv().is_ok());
}

#[inline(never)]
fn wait_in_park() {
    loop {
        thread::park();
        black_box(0);
    }
}

#[inline(never)]
fn wait_for_thread(handle: thread::JoinHandle<()>) {
    black_box(handle.join().is_ok());
}

/// Until it sleeps in futex().
fn wait_parked(tid: i32) {
    let number = if cfg!(target_arch = "x86_64") { "202 " } else { "98 " };
    for _ in 0..600_000 {
        let syscall = fs::read_to_string(format!("/proc/self/task/{}/syscall", tid));
        let stat = fs::read(format!("/proc/self/task/{}/stat", tid));
        if let (Ok(syscall), Ok(stat)) = (syscall, stat) {
            let stat = String::from_utf8_lossy(&stat).into_owned();
            let sleeps = stat.rsplit(')').next().map_or(false, |rest| rest.starts_with(" S"));
            if sleeps && syscall.starts_with(number) {
                return;
            }
        }
        thread::sleep(Duration::from_micros(100));
    }
    fail("a thread does not sleep as it should");
}

fn park<F: FnOnce() + Send + 'static>(name: &str, run: F) -> thread::JoinHandle<()> {
    let tid = Arc::new(AtomicI32::new(0));
    let own_tid = tid.clone();
    let handle = thread::Builder::new()
        .name(name.to_string())
        .spawn(move || {
            own_tid.store(unsafe { gettid() }, Ordering::SeqCst);
            run();
        })
        .unwrap();
    while tid.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    let tid = tid.load(Ordering::SeqCst);
    wait_parked(tid);
    say(&format!("thread={} tid={}", name, tid));
    handle
}

fn report(threads: u64) {
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    unsafe {
        clock_gettime(CLOCK_MONOTONIC, &mut now);
    }
    say(&format!("monotonic_ns={}", now.seconds * 1_000_000_000 + now.nanoseconds));
    say(&format!("threads={}", threads));
    say("end");
}

fn finish(threads: u64) -> ! {
    say("final=1");
    report(threads);
    exit(0);
}

/// One byte at a time: nothing may hide in a buffer from poll(). None at the end.
fn read_line() -> Option<String> {
    use std::os::unix::io::FromRawFd;
    let mut input = std::mem::ManuallyDrop::new(unsafe { fs::File::from_raw_fd(0 as RawFd) });
    let mut line = Vec::new();
    let mut byte = [0u8; 1];
    loop {
        match input.read(&mut byte) {
            Ok(1) if byte[0] == b'\n' => return Some(String::from_utf8_lossy(&line).into_owned()),
            Ok(1) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            _ => return None,
        }
    }
}

fn serve(threads: u64, end: Option<Instant>, use_stdin: bool, terminated: RawFd) -> ! {
    loop {
        let left_ms = end.map_or(-1, |end| {
            end.saturating_duration_since(Instant::now()).as_millis().min(3_600_000) as i32 + 1
        });
        let mut polled = [
            PollFd { fd: terminated, events: POLLIN, revents: 0 },
            PollFd { fd: if use_stdin { 0 } else { -1 }, events: POLLIN, revents: 0 },
        ];
        let ready = unsafe { poll(polled.as_mut_ptr(), 2, left_ms) };
        if ready < 0 {
            continue;
        }
        if polled[0].revents != 0 || end.map_or(false, |end| Instant::now() >= end) {
            finish(threads);
        }
        if polled[1].revents == 0 {
            continue;
        }
        match read_line().as_deref() {
            None | Some("quit") => finish(threads),
            Some("report") => report(threads),
            Some("go") | Some("stop") => (),
            Some(other) => fail(&format!("unknown command: {}", other)),
        }
    }
}

fn main() {
    let (mut per, mut seconds, mut use_stdin) = (2u64, 0u64, 1u64);
    for argument in std::env::args().skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        let value: u64 = value.parse().unwrap_or_else(|_| fail("not a number"));
        match name {
            "per" => per = value,
            "seconds" => seconds = value,
            "stdin" => use_stdin = value,
            "autogo" | "exit_when_done" => (),
            _ => fail(&format!("unknown argument: {}", argument)),
        }
    }
    let end = if seconds > 0 { Some(Instant::now() + Duration::from_secs(seconds)) } else { None };
    let mut ends = [0i32; 2];
    unsafe {
        if pipe(ends.as_mut_ptr()) < 0 {
            fail("pipe");
        }
        TERMINATED_FD.store(ends[1], Ordering::SeqCst);
        signal(SIGTERM, on_termination);
    }
    say(&format!("pid={}", std::process::id()));

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let mutex = Arc::new(Mutex::new(0u32));
    let (senders, mut threads) = (Mutex::new(Vec::new()), 0u64);
    let _held = mutex.lock().unwrap();
    for _ in 0..per {
        let own_pair = pair.clone();
        park("rust_condvar", move || wait_for_condition(&own_pair));
        let own_mutex = mutex.clone();
        park("rust_mutex", move || wait_for_mutex(&own_mutex));
        let (sender, receiver) = mpsc::channel();
        senders.lock().unwrap().push(sender);
        park("rust_mpsc", move || wait_for_message(&receiver));
        let parked = park("rust_park", wait_in_park);
        park("rust_join", move || wait_for_thread(parked));
        threads += 5;
    }
    say(&format!("threads={}", threads));
    say("ready");
    serve(threads, end, use_stdin != 0, ends[0]);
}
