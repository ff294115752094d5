/* Tests of base/thread.h: every item once, the same result for any number of
 * threads. */
/* link: -Wl,--wrap=pthread_create */
/* labels: threads */
#include "test.h"

#include "base/cpu.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static const int counts[] = {1, 2, 3, 7};
enum { COUNTS = sizeof counts / sizeof *counts, MOST = 3000 };

typedef struct job {
    unsigned char visits[MOST];
    float result[MOST];
    size_t n, grain;
    int workers;
    _Atomic int inside, wrong; /* CHECK may only be used by the test's own thread */
    _Atomic unsigned char busy[256];
} job;

/* An item's result depends on its number alone. */
static float value_of(size_t item)
{
    float v = (float)item + 1.0f;
    for (int i = 0; i < 20; i++) v = v * 0.99f + 1.0f / v;
    return v;
}

static void visit(void *arg, size_t begin, size_t end, int worker)
{
    job *j = arg;
    if (begin >= end || end > j->n || end - begin > j->grain) j->wrong++;
    if (worker < 0 || worker >= j->workers)
        j->wrong++;
    else if (atomic_exchange(&j->busy[worker], 1))
        j->wrong++; /* its scratch is taken */
    for (size_t i = begin; i < end; i++) {
        j->visits[i]++;
        j->result[i] = value_of(i);
    }
    if (worker >= 0 && worker < j->workers) atomic_store(&j->busy[worker], 0);
}

static void check_job(job *j, size_t n, size_t grain)
{
    memset(j, 0, sizeof *j);
    j->n = n;
    j->grain = grain ? grain : 1;
    j->workers = weft__workers();
    weft__parallel(n, grain, visit, j);
    CHECK(j->wrong == 0);
    for (size_t i = 0; i < MOST; i++) CHECK(j->visits[i] == (i < n));
    for (size_t i = 0; i < n; i++) CHECK(j->result[i] == value_of(i));
}

static void every_item_is_computed_once_by_any_number_of_threads(void **state)
{
    static job j;
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_TEST, 0);
    (void)state;
    for (int k = 0; k < COUNTS; k++) {
        CHECK(weft_set_threads(counts[k]) == WEFT_OK);
        CHECK(weft_threads() == counts[k] && weft__workers() == counts[k]);
        check_job(&j, 0, 1);
        check_job(&j, 1, 1);
        check_job(&j, 5, 0);
        check_job(&j, MOST, MOST);
        for (int i = 0; i < 150; i++)
            check_job(&j, weft__rng_below(&r, MOST + 1), weft__rng_below(&r, 40));
    }
}

static void many_small_jobs_follow_each_other(void **state)
{
    static job j;
    (void)state;
    weft_set_threads(3);
    memset(&j, 0, sizeof j);
    j.n = 6, j.grain = 1, j.workers = 3;
    for (int i = 0; i < 20000; i++) weft__parallel(6, 1, visit, &j);
    CHECK(j.wrong == 0);
    for (int i = 0; i < 6; i++) CHECK(j.visits[i] == (unsigned char)20000);
}

static void sleeping_threads_wake_up(void **state)
{
    static job j;
    (void)state;
    weft_set_threads(7);
    for (int i = 0; i < 30; i++) {
        check_job(&j, 100, 1);
        usleep(300); /* far longer than they spin */
    }
}

/* Each item takes a while, so that the threads that were woken get their share. */
static void note_worker(void *arg, size_t begin, size_t end, int worker)
{
    _Atomic int *hits = arg;
    (void)begin, (void)end;
    hits[worker]++;
    usleep(2000);
}

static void the_work_is_shared(void **state)
{
    _Atomic int hits[3] = {0};
    (void)state;
    weft_set_threads(3);
    weft__parallel(60, 1, note_worker, hits);
    CHECK(hits[0] + hits[1] + hits[2] == 60);
    CHECK(hits[0] > 0 && hits[1] > 0 && hits[2] > 0);
}

typedef struct nest {
    _Atomic int items, wrong;
} nest;

static _Thread_local int outer_worker;

static void inner(void *arg, size_t begin, size_t end, int worker)
{
    nest *n = arg;
    if (worker != outer_worker) n->wrong++;
    n->items += (int)(end - begin);
}

static void outer(void *arg, size_t begin, size_t end, int worker)
{
    nest *n = arg;
    outer_worker = worker;
    if (weft_set_threads(2) != WEFT_EUSAGE) n->wrong++;
    weft__pool_stop(); /* does nothing here; must not wait for itself */
    for (size_t i = begin; i < end; i++) weft__parallel(10, 3, inner, n);
}

static void a_nested_call_runs_in_its_caller(void **state)
{
    nest n = {0};
    (void)state;
    for (int k = 0; k < COUNTS; k++) {
        weft_set_threads(counts[k]);
        n = (nest){0};
        weft__parallel(50, 2, outer, &n);
        CHECK(n.wrong == 0 && n.items == 500);
    }
}

static void *call_from_elsewhere(void *arg)
{
    job *j = arg;
    for (int i = 0; i < 200; i++) {
        memset(j->visits, 0, sizeof j->visits);
        weft__parallel(j->n, j->grain, visit, j);
        for (size_t k = 0; k < j->n; k++) j->wrong += j->visits[k] != 1;
    }
    return NULL;
}

static void several_callers_do_not_disturb_each_other(void **state)
{
    static job j[3];
    pthread_t thread[3];
    (void)state;
    weft_set_threads(3);
    for (int i = 0; i < 3; i++) {
        j[i].n = 500, j[i].grain = 7, j[i].workers = 3;
        CHECK(!pthread_create(&thread[i], NULL, call_from_elsewhere, &j[i]));
    }
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 3; i++) CHECK(j[i].wrong == 0);
}

static void the_pool_stops_and_starts_again(void **state)
{
    static job j;
    (void)state;
    weft_set_threads(3);
    for (int i = 0; i < 20; i++) {
        check_job(&j, 100, 9);
        weft__pool_stop();
        weft__pool_stop();
    }
}

static bool thread_creation_fails;
int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *),
                          void *arg)
{
    static int calls;
    if (thread_creation_fails && calls++ % 3 == 2) return 11; /* EAGAIN at the third */
    return __real_pthread_create(t, a, f, arg);
}

static void threads_that_cannot_be_had_are_done_without(void **state)
{
    static job j;
    (void)state;
    weft_set_threads(7);
    weft__pool_stop();
    weft_set_quiet(2);
    thread_creation_fails = true;
    for (int i = 0; i < 5; i++) {
        check_job(&j, 300, 2);
        CHECK(weft__workers() == 7);
        weft__pool_stop();
    }
    thread_creation_fails = false;
    weft_set_quiet(0);
}

static void note_signals(void *arg, size_t begin, size_t end, int worker)
{
    _Atomic int *blocked = arg;
    sigset_t now;
    (void)begin, (void)end;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    blocked[worker] = 1 + (sigismember(&now, SIGINT) && sigismember(&now, SIGTERM) &&
                           sigismember(&now, SIGALRM) && !sigismember(&now, SIGSEGV));
    usleep(2000);
}

static void signals_are_left_to_the_programs_own_threads(void **state)
{
    _Atomic int blocked[3] = {0};
    (void)state;
    weft_set_threads(3);
    weft__parallel(60, 1, note_signals, blocked);
    CHECK(blocked[0] == 1 && blocked[1] == 2 && blocked[2] == 2);
}

static void wrong_numbers_of_threads_are_refused(void **state)
{
    (void)state;
    weft_set_threads(2);
    CHECK(weft_set_threads(-1) == WEFT_EUSAGE);
    CHECK(weft_set_threads(257) == WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), "threads is 257, allowed are 1 to 256, or 0 to choose");
    CHECK(weft_threads() == 2);
    CHECK(weft_set_threads(256) == WEFT_OK && weft_threads() == 256);
}

static void the_environment_chooses_the_number(void **state)
{
    static const struct {
        const char *weft, *omp;
        int threads; /* 0: as many as there are processors */
    } chosen[] = {
        {"3", "5", 3},       {NULL, "5", 5},
        {NULL, "4,2", 4},    {"x", "5", 5},
        {"0", NULL, 0},      {"-2", "6", 6},
        {"9999", NULL, 256}, {"", "", 0},
        {"4 ", NULL, 0},     {"99999999999999999999", NULL, 0},
    };
    (void)state;
    weft_set_quiet(2);
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        unsetenv("WEFT_NUM_THREADS");
        unsetenv("OMP_NUM_THREADS");
        if (chosen[i].weft) setenv("WEFT_NUM_THREADS", chosen[i].weft, 1);
        if (chosen[i].omp) setenv("OMP_NUM_THREADS", chosen[i].omp, 1);
        CHECK(weft_set_threads(0) == WEFT_OK);
        CHECK(weft_threads() ==
              (chosen[i].threads ? chosen[i].threads : weft__cpu_count()));
    }
    weft_set_quiet(0);
    unsetenv("WEFT_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
}

RUN_TESTS(TEST(every_item_is_computed_once_by_any_number_of_threads),
          TEST(many_small_jobs_follow_each_other), TEST(sleeping_threads_wake_up),
          TEST(the_work_is_shared), TEST(a_nested_call_runs_in_its_caller),
          TEST(several_callers_do_not_disturb_each_other),
          TEST(the_pool_stops_and_starts_again),

          TEST(threads_that_cannot_be_had_are_done_without),
          TEST(signals_are_left_to_the_programs_own_threads),
          TEST(wrong_numbers_of_threads_are_refused),
          TEST(the_environment_chooses_the_number))
