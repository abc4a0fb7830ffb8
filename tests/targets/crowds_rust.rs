// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! Crowds of Rust threads that leak and healthy ones. No crates.
//! crowds_rust KIND[+KIND...] PLAN [name=number]...; plans and protocol: README.md, "Crowds".

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const TICK_S: f64 = 0.1;
const CHURN_S: f64 = 0.1;

static ARRIVED: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

/// std::hint::black_box is younger than the compiler of Debian 12: what is done before a call of
/// this cannot become a jump.
#[inline(always)]
fn black_box<T: Copy>(value: T) -> T {
    unsafe { std::ptr::read_volatile(&value) }
}

fn fail(message: &str) -> ! {
    eprintln!("crowds_rust: {}", message);
    exit(1);
}

/// A way to wait. park() waits until release() was called once more than it has returned.
trait Wait: Send + Sync {
    fn park(&self);
    fn release(&self);
}

struct Reply {
    sender: Mutex<Sender<u32>>,
    receiver: Mutex<Receiver<u32>>,
}

impl Reply {
    fn new() -> Reply {
        let (sender, receiver) = mpsc::channel();
        Reply { sender: Mutex::new(sender), receiver: Mutex::new(receiver) }
    }
}

#[inline(never)]
fn receive_reply(receiver: &Receiver<u32>) {
    black_box(receiver.recv().is_ok());
}

impl Wait for Reply {
    fn park(&self) {
        receive_reply(&self.receiver.lock().unwrap());
    }

    fn release(&self) {
        self.sender.lock().unwrap().send(1).unwrap();
    }
}

/// The pool of the textbook: all workers share the receiver.
#[derive(Clone)]
struct Tasks(Arc<Reply>);

#[inline(never)]
fn take_task(tasks: &Reply) {
    let receiver = tasks.receiver.lock().unwrap();
    black_box(receiver.recv().is_ok());
}

impl Wait for Tasks {
    fn park(&self) {
        take_task(&self.0);
    }

    fn release(&self) {
        self.0.release();
    }
}

struct Parked {
    tokens: AtomicU64,
    thread: Mutex<Option<Thread>>,
}

#[inline(never)]
fn wait_in_park(parked: &Parked) {
    while parked.tokens.load(SeqCst) == 0 {
        thread::park();
    }
    parked.tokens.fetch_sub(1, SeqCst);
}

impl Wait for Parked {
    fn park(&self) {
        *self.thread.lock().unwrap() = Some(thread::current());
        wait_in_park(self);
    }

    fn release(&self) {
        self.tokens.fetch_add(1, SeqCst);
        if let Some(thread) = &*self.thread.lock().unwrap() {
            thread.unpark();
        }
    }
}

#[derive(Default)]
struct Signalled {
    tokens: Mutex<u64>,
    changed: Condvar,
}

#[inline(never)]
fn wait_for_signal(signalled: &Signalled) {
    let mut tokens = signalled.tokens.lock().unwrap();
    while *tokens == 0 {
        tokens = signalled.changed.wait(tokens).unwrap();
    }
    *tokens -= 1;
}

impl Wait for Signalled {
    fn park(&self) {
        wait_for_signal(self);
    }

    fn release(&self) {
        *self.tokens.lock().unwrap() += 1;
        self.changed.notify_one();
    }
}

#[inline(never)]
fn wait_at_barrier(barrier: &Barrier) {
    black_box(barrier.wait().is_leader());
}

/// release() comes from the planner, which is the second one at the barrier.
impl Wait for Barrier {
    fn park(&self) {
        wait_at_barrier(self);
    }

    fn release(&self) {
        self.wait();
    }
}

/// Joins a thread that waits for a signal.
#[derive(Default)]
struct Joined {
    signalled: Arc<Signalled>,
}

#[inline(never)]
fn wait_for_thread(handle: thread::JoinHandle<()>) {
    black_box(handle.join().is_ok());
}

impl Wait for Joined {
    fn park(&self) {
        let signalled = self.signalled.clone();
        wait_for_thread(thread::spawn(move || wait_for_signal(&signalled)));
    }

    fn release(&self) {
        self.signalled.release();
    }
}

type Random = u64;

/// SplitMix64
fn between(random: &mut Random, least: f64, most: f64) -> f64 {
    *random = random.wrapping_add(0x9e3779b97f4a7c15);
    let mut z = *random;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    least + (most - least) * ((z ^ (z >> 31)) >> 11) as f64 / 9007199254740992.0
}

struct Plan {
    name: String,
    rate: f64,
    size: f64,
    period: f64,
}

impl Plan {
    /// Units that come per second at `t` seconds.
    fn rate(&self, t: f64) -> f64 {
        let (at, half) = (t % self.period, self.period / 2.0);
        let during = |holds: bool, per_s: f64| if holds { per_s } else { 0.0 };

        match self.name.as_str() {
            "leak" | "sawtooth" | "slower" | "sessions" => self.rate,
            "leak_stops" => during(t < self.period, self.rate),
            "pool" => during(t < 10.0, self.size / 10.0),
            "fill" | "idle" => during(t < self.size / self.rate, self.rate),
            "ramp" => self.rate * (1.0 - (at - half).abs() / half),
            // five steps up in the first half, down again in the second
            "autoscale" => during(at < half && at % (half / 5.0) < 1.0, self.size / 5.0),
            "batch" => during(at < self.period / 10.0, self.size / (self.period / 10.0)),
            "reload" | "bursts" => during(at < 1.0, self.size),
            _ => fail("unknown plan"),
        }
    }

    /// For how many seconds a unit that comes at `t` will be there.
    fn life(&self, t: f64, random: &mut Random) -> f64 {
        let at = t % self.period;

        match self.name.as_str() {
            "ramp" => between(random, 2.0, 30.0),
            "autoscale" => self.period - 2.0 * at,
            "batch" => 0.8 * self.period - at,
            "sawtooth" => self.period - at,
            "slower" => (0.1 + t / 10.0).min(self.period),
            // the new ones are there before the old ones leave
            "reload" => self.period - at + 2.0,
            "bursts" => between(random, 2.0, 6.0),
            "sessions" => between(random, 0.1, 2.0) * self.period,
            _ => f64::INFINITY,
        }
    }

    /// Whether units stay 10 to 30 s at a time.
    fn works(&self) -> bool {
        matches!(self.name.as_str(), "pool" | "fill" | "autoscale" | "reload")
    }

    /// No work before all are there.
    fn work_begins(&self, t: f64) -> f64 {
        if self.name == "fill" { self.size / self.rate } else { t }
    }
}

struct Member {
    wait: Arc<dyn Wait>,
    last: Arc<AtomicBool>, // its next stay to end is its last
    leaves: f64,           // for good
    due: f64,              // the end of this stay
}

struct Crowd {
    plan: Plan,
    tasks: Tasks,
    members: Vec<Member>, // those that will be released some day
    random: Random,
}

impl Crowd {
    fn wait_of(&self, kind: &str) -> Arc<dyn Wait> {
        match kind {
            "recv" => Arc::new(Reply::new()),
            "shared_recv" => Arc::new(self.tasks.clone()),
            "park" => Arc::new(Parked { tokens: AtomicU64::new(0), thread: Mutex::new(None) }),
            "condvar" => Arc::new(Signalled::default()),
            "barrier" => Arc::new(Barrier::new(2)),
            "join" => Arc::new(Joined::default()),
            _ => fail("unknown kind"),
        }
    }

    fn start(&mut self, kind: &str, t: f64, life: f64, works: bool) {
        let (wait, leaves) = (self.wait_of(kind), t + life);
        let due = match works {
            true => (self.plan.work_begins(t) + between(&mut self.random, 10.0, 30.0)).min(leaves),
            false => leaves,
        };
        let last = Arc::new(AtomicBool::new(!works));
        let own = (wait.clone(), last.clone());

        if due.is_finite() {
            self.members.push(Member { wait, last, leaves, due });
        }
        thread::Builder::new()
            .name(kind.to_string())
            .spawn(move || loop {
                ARRIVED.fetch_add(1, SeqCst);
                own.0.park();
                LEFT.fetch_add(1, SeqCst);
                // With a shared object another one than was meant may wake up.
                if own.1.load(SeqCst) {
                    break;
                }
            })
            .unwrap();
    }

    fn release_due(&mut self, t: f64) {
        let random = &mut self.random;

        self.members.retain_mut(|member| {
            if member.due > t {
                return true;
            }
            let stays = member.leaves > t;
            if stays {
                member.due = (t + between(random, 10.0, 30.0)).min(member.leaves);
            } else {
                member.last.store(true, SeqCst);
            }
            member.wait.release();
            stays
        });
    }
}

fn say(line: &str) {
    println!("{}", line);
    std::io::stdout().flush().unwrap();
}

fn report_counts() {
    let left = LEFT.load(SeqCst);

    say(&format!("stayed={} left={}", ARRIVED.load(SeqCst) - left, left));
}

fn report() {
    say(&format!("unix_ns={}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()));
    report_counts();
    say("end");
}

fn finish() -> ! {
    say("final=1");
    report();
    exit(0);
}

/// Without a report: what that needs may be locked by the thread that is interrupted.
extern "C" fn on_termination(_number: i32) {
    unsafe {
        _exit(0);
    }
}

fn read_commands() {
    for line in std::io::stdin().lock().lines() {
        match line.as_deref() {
            Ok("report") => report(),
            _ => break,
        }
    }
    finish();
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut options: HashMap<&str, u64> = [
        ("rate", 120), ("size", 200), ("period", 120), ("churn", 0), ("pool", 0),
        ("seconds", 0), ("stdin", 1), ("autogo", 0), ("exit_when_done", 0),
    ].into();

    if arguments.len() < 3 {
        fail("usage: KIND[+KIND...] PLAN [name=number]...");
    }
    for argument in &arguments[3..] {
        match argument.split_once('=').map(|(name, value)| (options.get_mut(name), value.parse())) {
            Some((Some(option), Ok(value))) => *option = value,
            _ => fail(&format!("unknown argument: {}", argument)),
        }
    }
    unsafe {
        signal(15, on_termination);
    }
    let kinds: Vec<&str> = arguments[1].split('+').collect();
    let mut crowd = Crowd {
        plan: Plan {
            name: arguments[2].clone(),
            rate: options["rate"] as f64 / 60.0,
            size: options["size"] as f64,
            period: options["period"] as f64,
        },
        tasks: Tasks(Arc::new(Reply::new())),
        members: Vec::new(),
        random: 0,
    };

    say(&format!("pid={}", std::process::id()));
    say("ready");
    if options["stdin"] != 0 {
        thread::spawn(read_commands);
    }
    for _ in 0..options["pool"] {
        crowd.start("shared_recv", 0.0, f64::INFINITY, true);
    }
    let (start, mut turn, mut due, mut churn_due) = (Instant::now(), 0, 0.0, 0.0);
    for tick in 1u32.. {
        let t = f64::from(tick) * TICK_S;

        thread::sleep(Duration::from_secs_f64(t).saturating_sub(start.elapsed()));
        if options["seconds"] > 0 && t >= options["seconds"] as f64 {
            finish();
        }
        crowd.release_due(t);
        due += crowd.plan.rate(t) * TICK_S;
        while due >= 1.0 {
            let life = crowd.plan.life(t, &mut crowd.random);
            let works = crowd.plan.works();

            due -= 1.0;
            crowd.start(kinds[turn % kinds.len()], t, life, works);
            turn += 1;
        }
        churn_due += options["churn"] as f64 * TICK_S;
        while churn_due >= 1.0 {
            churn_due -= 1.0;
            crowd.start(kinds[turn % kinds.len()], t, CHURN_S, false);
        }
        if tick % 10 == 0 {
            report_counts();
        }
    }
}
