//! The threads that evaluate a model together, and how they wait for each other.
//!
//! llama.cpp leaves its threads to OpenMP, of which it uses little: a region that several threads
//! run, and a barrier in it after each of the few hundred steps of a token. libgomp's barrier spins
//! and then sleeps, for a time that is fixed when the program starts, and no time is right. Where
//! every processor is ours, a thread that sleeps is woken later than the step takes. Where others
//! compute too, a thread that spins holds the processor which the one that it waits for needs.
//! So here it looks a while, then offers the processor to others between looks, which costs
//! nothing where there are none, and sleeps at last.
//!
//! These functions have the names that gcc calls, so the linker takes nothing of libgomp.

use std::cell::RefCell;
use std::ffi::{c_int, c_long, c_uint, c_void};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

/// How often a thread looks whether it may go on before it offers its processor to others: about
/// 50 µs, which is more than lies between two barriers where a model says a token.
const LOOKS: u32 = 2_000;
/// How often it then offers its processor before it sleeps: about 10 ms if nobody takes it, which
/// is more than lies between two tokens.
const OFFERS: u32 = 20_000;

/// Something that happens again and again, for which others wait, and what was told last.
struct Bell<T> {
    count: AtomicU32,
    sleepers: AtomicU32,
    told: Mutex<T>,
    rung: Condvar,
}

impl<T: Copy> Bell<T> {
    fn new(told: T) -> Self {
        Self {
            count: AtomicU32::new(0),
            sleepers: AtomicU32::new(0),
            told: Mutex::new(told),
            rung: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.told.lock().expect("nobody panics while holding it")
    }

    /// How often it has rung.
    fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    fn ring(&self, told: T) {
        let mut last = self.lock();
        *last = told;
        self.count.fetch_add(1, Ordering::SeqCst);
        drop(last);
        // Who counted itself under the lock before us sleeps; who does so after us sees the count.
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.rung.notify_all();
        }
    }

    /// Waits until it has rung since it was heard for the `heard`th time.
    fn wait(&self, heard: u32) {
        for _ in 0..LOOKS {
            if self.count() != heard {
                return;
            }
            spin_loop();
        }
        for _ in 0..OFFERS {
            if self.count() != heard {
                return;
            }
            thread::yield_now();
        }
        let mut told = self.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.count() == heard {
            told = self.rung.wait(told).expect("nobody panics while holding it");
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// What was told last, and its number.
    fn told(&self) -> (u32, T) {
        let told = self.lock();
        (self.count(), *told)
    }
}

/// What gcc makes of the body of a region.
type Body = unsafe extern "C" fn(*mut c_void);

/// What a team is to do.
#[derive(Clone, Copy)]
enum Order {
    /// So many threads run this, the first of which gave the order.
    Run { body: Body, data: *mut c_void, size: u32 },
    /// All may go.
    Leave,
}

// SAFETY: whoever begins a region shares its data with the threads that run it, as OpenMP has it.
unsafe impl Send for Order {}

/// A thread and those that help it.
struct Team {
    orders: Bell<Order>,
    /// Threads that have come to the barrier.
    arrived: AtomicU32,
    met: Bell<()>,
}

impl Team {
    /// Waits until `size` threads have called this.
    fn meet(&self, size: u32) {
        // It cannot ring before this thread has arrived.
        let heard = self.met.count();
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == size {
            self.arrived.store(0, Ordering::Release);
            self.met.ring(());
        } else {
            self.met.wait(heard);
        }
    }

    /// Does what is ordered, as the thread of this number, until it may go.
    fn help(self: &Arc<Self>, number: u32, mut heard: u32) {
        loop {
            self.orders.wait(heard);
            let (now, order) = self.orders.told();
            heard = now;
            match order {
                Order::Leave => return,
                Order::Run { body, data, size } if number < size => {
                    let place = Place { team: Arc::clone(self), number, size };
                    // SAFETY: whoever gave the order waits below until all have run it.
                    unsafe { place.run(body, data) };
                    self.meet(size);
                }
                Order::Run { .. } => {}
            }
        }
    }
}

/// Where a thread is while it runs a region.
struct Place {
    team: Arc<Team>,
    number: u32,
    size: u32,
}

impl Place {
    /// Runs the body of a region here.
    ///
    /// # Safety
    ///
    /// `data` is what `body` wants.
    unsafe fn run(self, body: Body, data: *mut c_void) {
        HERE.set(Some(self));
        // SAFETY: as the caller says.
        unsafe { body(data) };
        HERE.set(None);
    }
}

/// The helpers of a thread. They end with it.
struct Crew {
    team: Arc<Team>,
    helpers: Vec<JoinHandle<()>>,
}

impl Crew {
    fn new() -> Self {
        let (orders, met) = (Bell::new(Order::Leave), Bell::new(()));
        Self {
            team: Arc::new(Team { orders, arrived: AtomicU32::new(0), met }),
            helpers: Vec::new(),
        }
    }

    /// Sees to it that there are threads for a region of `size`; says for how many there are.
    fn grow(&mut self, size: u32) -> u32 {
        while (self.helpers.len() as u32) + 1 < size {
            let (team, number) = (Arc::clone(&self.team), self.helpers.len() as u32 + 1);
            // It hears what is told from now on.
            let heard = team.orders.count();
            let name = format!("llama-{number}");
            let helper = thread::Builder::new().name(name).spawn(move || team.help(number, heard));
            match helper {
                Ok(helper) => self.helpers.push(helper),
                Err(_) => break,
            }
        }
        size.min(self.helpers.len() as u32 + 1)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.team.orders.ring(Order::Leave);
        for helper in self.helpers.drain(..) {
            // One that panicked has ended the process.
            drop(helper.join());
        }
    }
}

thread_local! {
    /// The helpers that this thread has had.
    static CREW: RefCell<Option<Crew>> = const { RefCell::new(None) };
    /// The region that this thread runs.
    static HERE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Runs `body` on this thread and on others, `threads` in all, and waits for them. None if it does
/// not matter, as where tables for making files are computed: then it is this thread alone.
///
/// # Safety
///
/// `data` is what `body` wants, on several threads at once.
#[unsafe(no_mangle)]
unsafe extern "C" fn GOMP_parallel(body: Body, data: *mut c_void, threads: c_uint, _flags: c_uint) {
    let outer = HERE.take();
    let crew = (outer.is_none() && threads > 1).then(|| {
        CREW.with_borrow_mut(|crew| {
            let crew = crew.get_or_insert_with(Crew::new);
            let size = crew.grow(threads);
            (Arc::clone(&crew.team), size)
        })
    });
    match crew {
        Some((team, size)) => {
            team.orders.ring(Order::Run { body, data, size });
            let place = Place { team: Arc::clone(&team), number: 0, size };
            // SAFETY: as the caller says.
            unsafe { place.run(body, data) };
            team.meet(size);
        }
        // SAFETY: as the caller says.
        None => unsafe { body(data) },
    }
    HERE.set(outer);
}

/// Waits for the other threads of the region.
#[unsafe(no_mangle)]
extern "C" fn GOMP_barrier() {
    HERE.with_borrow(|here| {
        if let Some(place) = here {
            place.team.meet(place.size);
        }
    });
}

/// Whether this thread is the one that does what one is to do.
#[unsafe(no_mangle)]
extern "C" fn GOMP_single_start() -> bool {
    omp_get_thread_num() == 0
}

/// The number of this thread in its region.
#[unsafe(no_mangle)]
extern "C" fn omp_get_thread_num() -> c_int {
    HERE.with_borrow(|here| here.as_ref().map_or(0, |place| place.number as c_int))
}

/// How many threads run the region.
#[unsafe(no_mangle)]
extern "C" fn omp_get_num_threads() -> c_int {
    HERE.with_borrow(|here| here.as_ref().map_or(1, |place| place.size as c_int))
}

/// Whether somebody is between `GOMP_atomic_start` and `GOMP_atomic_end`.
static ATOMIC: AtomicBool = AtomicBool::new(false);

/// Begins what only one thread may do at a time.
#[unsafe(no_mangle)]
extern "C" fn GOMP_atomic_start() {
    while ATOMIC.swap(true, Ordering::Acquire) {
        thread::yield_now();
    }
}

/// Ends what only one thread may do at a time.
#[unsafe(no_mangle)]
extern "C" fn GOMP_atomic_end() {
    ATOMIC.store(false, Ordering::Release);
}

/// A part of the steps of a loop that the threads of a region share: all of them, since such loops
/// are in regions of one thread. Says whether there are any.
///
/// # Safety
///
/// `from` and `to` are places for the borders of that part.
#[unsafe(no_mangle)]
unsafe extern "C" fn GOMP_loop_nonmonotonic_dynamic_start(
    start: c_long,
    end: c_long,
    _step: c_long,
    _chunk: c_long,
    from: *mut c_long,
    to: *mut c_long,
) -> bool {
    assert_eq!(omp_get_num_threads(), 1, "a loop that several threads share is not provided for");
    // SAFETY: as the caller says.
    unsafe { (*from, *to) = (start, end) };
    start != end
}

/// Another part of the loop: there is none.
#[unsafe(no_mangle)]
extern "C" fn GOMP_loop_nonmonotonic_dynamic_next(_from: *mut c_long, _to: *mut c_long) -> bool {
    false
}

/// Ends a loop.
#[unsafe(no_mangle)]
extern "C" fn GOMP_loop_end() {
    GOMP_barrier();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the threads of a region write down.
    struct Seen {
        size: u32,
        steps: u32,
        began: AtomicU32,
        singles: AtomicU32,
        sum: AtomicU32,
        wrong: AtomicU32,
    }

    /// Every thread adds in every step; after the barrier all of them see what all have added.
    unsafe extern "C" fn region(data: *mut c_void) {
        // SAFETY: the test gives this, and waits for the region.
        let seen = unsafe { &*data.cast::<Seen>() };
        seen.began.fetch_or(1 << omp_get_thread_num(), Ordering::SeqCst);
        if GOMP_single_start() {
            seen.singles.fetch_add(1, Ordering::SeqCst);
        }
        GOMP_barrier();
        for step in 1..=seen.steps {
            seen.sum.fetch_add(1, Ordering::SeqCst);
            GOMP_barrier();
            if seen.sum.load(Ordering::SeqCst) != step * seen.size {
                seen.wrong.fetch_add(1, Ordering::SeqCst);
            }
            GOMP_barrier();
        }
        if omp_get_num_threads() as u32 != seen.size {
            seen.wrong.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn check(threads: u32, steps: u32) {
        let zero = || AtomicU32::new(0);
        let size = threads.max(1);
        let (began, singles, sum, wrong) = (zero(), zero(), zero(), zero());
        let seen = Seen { size, steps, began, singles, sum, wrong };
        // SAFETY: this is what the region wants.
        unsafe { GOMP_parallel(region, (&raw const seen).cast_mut().cast(), threads, 0) };
        assert_eq!(seen.began.into_inner(), (1 << size) - 1, "every thread runs it once");
        assert_eq!(seen.singles.into_inner(), 1);
        assert_eq!(seen.sum.into_inner(), steps * size);
        assert_eq!(seen.wrong.into_inner(), 0);
        assert_eq!((omp_get_thread_num(), omp_get_num_threads()), (0, 1));
    }

    #[test]
    fn a_barrier_holds_all_until_the_last_has_come() {
        let masters = (0..3).map(|master| {
            thread::spawn(move || {
                for round in 0..60 {
                    check([3, 1, 2, 4, 0, 2][(round + master) % 6], 20);
                }
            })
        });
        for master in masters.collect::<Vec<_>>() {
            master.join().expect("no thread was wrong");
        }
    }

    #[test]
    fn who_sleeps_is_woken() {
        let bell = Arc::new(Bell::new(0));
        let heard = bell.count();
        let sleeper = thread::spawn({
            let bell = Arc::clone(&bell);
            move || {
                bell.wait(heard);
                bell.told()
            }
        });
        while bell.sleepers.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        bell.ring(7);
        assert_eq!(sleeper.join().expect("it ends"), (1, 7));
    }

    #[test]
    fn a_region_within_a_region_is_run_by_its_thread() {
        unsafe extern "C" fn outer(_: *mut c_void) {
            let before = (omp_get_thread_num(), omp_get_num_threads());
            check_alone();
            assert_eq!(before, (omp_get_thread_num(), omp_get_num_threads()));
        }
        fn check_alone() {
            unsafe extern "C" fn inner(data: *mut c_void) {
                // SAFETY: this is what is given below.
                unsafe { *data.cast::<c_int>() += omp_get_num_threads() };
            }
            let mut runs: c_int = 0;
            // SAFETY: only this thread runs it.
            unsafe { GOMP_parallel(inner, (&raw mut runs).cast(), 2, 0) };
            assert_eq!(runs, 1);
        }
        // SAFETY: it wants nothing.
        unsafe { GOMP_parallel(outer, std::ptr::null_mut(), 2, 0) };
    }
}
