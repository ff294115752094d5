/* thread.c: a small fork-join pool on pthreads.
 *
 * Each thread has a share of a job's ranges, in the order of their numbers, and
 * takes from the ends of others when it is done: neighbours, and the same part of
 * the next job, mostly come to the same processor, in whose cache they are.
 *
 * One job at a time. The caller takes part and never waits for a sleeping thread: a
 * thread joins a job only while its gate is open, and the caller closes the gate as
 * soon as no range is left. What it then waits for are ranges that are being
 * computed, nothing else. */
#define _GNU_SOURCE
#include "base/thread.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 256, STACK_BYTES = 4 << 20 };

static const double SPIN_SECONDS = 100e-6; /* then a waiting thread sleeps */

/* The gate: generation of the job in the high half, then two flags and the number of
 * pool threads inside. A thread enters with a compare-and-swap, so it can only enter
 * the job it looked at. */
#define GATE_OPEN UINT64_C(0x80000000)
#define GATE_AWAITED \
    UINT64_C(0x40000000) /* the caller sleeps until the last thread is out */
#define GATE_INSIDE UINT64_C(0x3fffffff)
#define GENERATION(gate) ((uint32_t)((gate) >> 32))

/* Ranges that nobody has taken: the first in the high half, the end in the low one. */
typedef struct share {
    _Alignas(64) _Atomic uint64_t left;
} share;

static struct pool {
    pthread_mutex_t caller; /* held by whoever runs a job, starts or stops the pool */
    pthread_mutex_t lock;   /* for the two conditions */
    pthread_cond_t wake, done;
    pthread_t thread[MAX_THREADS];
    int started, wanted; /* pool threads; wanted is 0 while the pool is stopped */
    bool spins;
    _Atomic bool stop;

    weft__work
        *task; /* the job; written only while the gate is closed and nobody inside */
    void *arg;
    size_t n, grain, ranges;
    int shares;

    _Alignas(64) _Atomic uint64_t gate;
    _Atomic int sleepers;
    share share[MAX_THREADS];
} pool = {.caller = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static _Atomic int chosen_threads; /* 0: not chosen yet */

/* Which worker this thread is while it is inside a task, else -1. */
static _Thread_local int worker_here = -1;

/* ---- how many ---- */

/* The number at the head of an environment variable ("4", or "4,2" as OpenMP has it); 0
 * when it is not set or not a number. */
static int threads_from(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long value;
    if (!text || !*text) return 0;
    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || (*end && *end != ',') || errno || value < 1) {
        weft__warn("%s is \"%s\", not a number of threads; ignored", name, text);
        return 0;
    }
    return value > MAX_THREADS ? MAX_THREADS : (int)value;
}

static int default_threads(void)
{
    int n = threads_from("WEFT_NUM_THREADS");
    if (!n) n = threads_from("OMP_NUM_THREADS");
    if (!n) n = weft__cpu_count();
    return n > MAX_THREADS ? MAX_THREADS : n;
}

int weft_threads(void)
{
    int n = atomic_load_explicit(&chosen_threads, memory_order_relaxed), none = 0;
    if (n) return n;
    n = default_threads();
    return atomic_compare_exchange_strong(&chosen_threads, &none, n) ? n : none;
}

weft_status weft_set_threads(int threads)
{
    if (threads < 0 || threads > MAX_THREADS)
        return weft__fail(WEFT_EUSAGE,
                          "threads is %d, allowed are 1 to %d, or 0 to choose", threads,
                          MAX_THREADS);
    if (worker_here >= 0)
        return weft__fail(WEFT_EUSAGE, "threads cannot be set while a pass is running");
    if (!threads) threads = default_threads();
    if (threads == atomic_load(&chosen_threads)) return WEFT_OK;
    weft__pool_stop();
    atomic_store(&chosen_threads, threads);
    return WEFT_OK;
}

int weft__workers(void)
{
    return weft_threads();
}

/* ---- waiting ---- */

static inline void breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Watches the gate until (gate & mask) differs from (or equals, by `until`) value.
 * False when that took longer than is worth burning a core for. */
static bool spin_until(uint64_t mask, uint64_t value, bool until)
{
    double start = 0;
    if (!pool.spins) return false;
    for (unsigned i = 1;; i++) {
        uint64_t gate = atomic_load_explicit(&pool.gate, memory_order_acquire);
        if (((gate & mask) == value) == until) return true;
        if (atomic_load_explicit(&pool.stop, memory_order_relaxed)) return false;
        breathe();
        if (i % 32) continue;
        if (start == 0)
            start = weft__seconds();
        else if (weft__seconds() - start > SPIN_SECONDS)
            return false;
    }
}

/* ---- the job ---- */

/* The first or the last range of a share, if there is one. */
static bool take(share *s, bool last, size_t *range)
{
    uint64_t left = atomic_load_explicit(&s->left, memory_order_relaxed);
    while (left >> 32 < (uint32_t)left) {
        uint64_t rest = last ? left - 1 : left + (UINT64_C(1) << 32);
        if (!atomic_compare_exchange_weak_explicit(
                &s->left, &left, rest, memory_order_relaxed, memory_order_relaxed))
            continue;
        *range = (size_t)(last ? (uint32_t)rest : left >> 32);
        return true;
    }
    return false;
}

static void run_range(size_t range, int worker)
{
    size_t begin = range * pool.grain, left = pool.n - begin;
    pool.task(pool.arg, begin, begin + (left < pool.grain ? left : pool.grain), worker);
}

static void run_ranges(int worker)
{
    int outside = worker_here;
    size_t range;
    worker_here = worker;
    while (take(&pool.share[worker], false, &range)) run_range(range, worker);
    for (int i = 1; i < pool.shares; i++) {
        share *other = &pool.share[(worker + i) % pool.shares];
        while (take(other, true, &range)) run_range(range, worker);
    }
    worker_here = outside;
}

/* Cuts the ranges into shares. */
static void share_out(size_t n, size_t grain)
{
    while (n / grain >= UINT32_MAX) grain *= 2;
    pool.n = n;
    pool.grain = grain;
    pool.ranges = n / grain + (n % grain != 0);
    pool.shares = pool.started + 1;
    for (uint64_t i = 0, count = (uint64_t)pool.shares; i < count; i++) {
        uint64_t first = pool.ranges * i / count, end = pool.ranges * (i + 1) / count;
        atomic_store_explicit(&pool.share[i].left, first << 32 | end,
                              memory_order_relaxed);
    }
}

/* Enters the job that is open now if it is newer than *seen, works and leaves. */
static void join_job(uint32_t *seen, int worker)
{
    uint64_t gate = atomic_load_explicit(&pool.gate, memory_order_acquire);
    while (GENERATION(gate) != *seen) {
        if (!(gate & GATE_OPEN)) {
            *seen = GENERATION(gate);
            return;
        }
        if (!atomic_compare_exchange_weak_explicit(
                &pool.gate, &gate, gate + 1, memory_order_acquire, memory_order_acquire))
            continue;
        *seen = GENERATION(gate);
        run_ranges(worker);
        gate = atomic_fetch_sub_explicit(&pool.gate, 1, memory_order_acq_rel) - 1;
        if ((gate & GATE_AWAITED) && !(gate & GATE_INSIDE)) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.lock);
        }
        return;
    }
}

/* Until there is a job that this thread has not seen. The order matters: first the
 * thread counts as a sleeper, then it looks at the gate; the caller does the two the
 * other way round, so one of them notices the other. */
static void wait_for_job(uint32_t seen)
{
    if (spin_until(UINT64_C(0xffffffff) << 32, (uint64_t)seen << 32, false)) return;
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while (GENERATION(atomic_load(&pool.gate)) == seen && !atomic_load(&pool.stop))
        pthread_cond_wait(&pool.wake, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.lock);
}

static void *thread_main(void *number)
{
    uint32_t seen = 0;
    int worker = (int)(intptr_t)number;
    while (!atomic_load_explicit(&pool.stop, memory_order_acquire)) {
        wait_for_job(seen);
        join_job(&seen, worker);
    }
    return NULL;
}

static void open_gate(void)
{
    uint64_t gate = atomic_load_explicit(&pool.gate, memory_order_relaxed);
    uint32_t generation = GENERATION(gate) + 1;
    int sleepers, useful;
    atomic_store(&pool.gate, (uint64_t)(generation ? generation : 1) << 32 | GATE_OPEN);
    sleepers = atomic_load(&pool.sleepers);
    if (!sleepers) return;
    useful = pool.ranges - 1 < MAX_THREADS ? (int)pool.ranges - 1 : MAX_THREADS;
    pthread_mutex_lock(&pool.lock);
    if (useful >= sleepers)
        pthread_cond_broadcast(&pool.wake);
    else
        for (int i = 0; i < useful; i++) pthread_cond_signal(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

static void close_gate(void)
{
    uint64_t gate =
        atomic_fetch_and_explicit(&pool.gate, ~GATE_OPEN, memory_order_acq_rel);
    if (!(gate & GATE_INSIDE) || spin_until(GATE_INSIDE, 0, true)) return;
    pthread_mutex_lock(&pool.lock);
    gate = atomic_fetch_or(&pool.gate, GATE_AWAITED);
    while (gate & GATE_INSIDE) {
        pthread_cond_wait(&pool.done, &pool.lock);
        gate = atomic_load(&pool.gate);
    }
    pthread_mutex_unlock(&pool.lock);
}

/* ---- starting and stopping ---- */

/* In the child of a fork there are no pool threads, and the locks are as they
 * happened to be. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&pool.caller, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.done, NULL);
    pool.started = pool.wanted = 0;
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.stop, false);
    atomic_store(&pool.gate, 0);
    worker_here = -1;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

/* Pool threads take no signal that is meant for the program: only those that say what
 * this very thread did wrong, and the profiler's. */
static void block_signals(sigset_t *before)
{
    static const int unblocked[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                    SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
    sigset_t most;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof unblocked / sizeof *unblocked; i++)
        sigdelset(&most, unblocked[i]);
    pthread_sigmask(SIG_BLOCK, &most, before);
}

/* Starts wanted - 1 threads, or as many as there are to be had. */
static void start(int wanted)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_attr_t attr;
    sigset_t before;
    int err = 0;
    pthread_once(&once, watch_forks);
    pool.wanted = wanted;
    pool.spins = wanted <= weft__cpu_count();
    atomic_store(&pool.stop, false);
    atomic_store(&pool.gate, 0);
    block_signals(&before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (int i = 0; i < wanted - 1; i++) {
        err = pthread_create(&pool.thread[i], &attr, thread_main,
                             (void *)(intptr_t)(i + 1));
        if (err) break;
        pool.started++;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err)
        weft__warn("only %d of %d threads could be started", pool.started + 1, wanted);
}

static void stop(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.stop, true);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.started; i++) pthread_join(pool.thread[i], NULL);
    pool.started = pool.wanted = 0;
}

void weft__pool_stop(void)
{
    if (worker_here >= 0) return; /* a thread cannot wait for itself */
    pthread_mutex_lock(&pool.caller);
    stop();
    pthread_mutex_unlock(&pool.caller);
}

/* When the library is unloaded or the program ends; not if that happens inside a
 * task. */
__attribute__((destructor)) static void stop_at_exit(void)
{
    if (worker_here >= 0 || pthread_mutex_trylock(&pool.caller)) return;
    stop();
    pthread_mutex_unlock(&pool.caller);
}

/* ---- the call ---- */

static void run_serially(size_t n, size_t grain, weft__work *task, void *arg)
{
    int outside = worker_here;
    worker_here = outside < 0 ? 0 : outside;
    for (size_t begin = 0; begin < n;) {
        size_t end = n - begin < grain ? n : begin + grain;
        task(arg, begin, end, worker_here);
        begin = end;
    }
    worker_here = outside;
}

void weft__parallel(size_t n, size_t grain, weft__work *task, void *arg)
{
    int threads = weft_threads();
    if (!grain) grain = 1;
    /* Another thread's job is on the pool: wait for nobody, compute here. */
    if (n <= grain || threads == 1 || worker_here >= 0 ||
        pthread_mutex_trylock(&pool.caller)) {
        run_serially(n, grain, task, arg);
        return;
    }
    if (pool.wanted != threads) {
        if (pool.wanted) stop();
        start(threads);
    }
    pool.task = task;
    pool.arg = arg;
    share_out(n, grain);
    if (pool.started) open_gate();
    run_ranges(0);
    if (pool.started) close_gate();
    pthread_mutex_unlock(&pool.caller);
}
