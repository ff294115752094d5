/* thread.h: a small fork-join pool on pthreads. */
#ifndef WEFT_SRC_BASE_THREAD_H
#define WEFT_SRC_BASE_THREAD_H

#include <stddef.h>

/* Works on items begin .. end-1. worker is 0 .. weft__workers()-1 and names who is
 * asking (for per-worker scratch). */
typedef void weft__work(void *arg, size_t begin, size_t end, int worker);

/* Calls task over 0 .. n-1, cut into ranges of at most `grain` items, on all
 * workers, and returns when all are done. Which worker gets which range is not
 * fixed, so an item's result may depend only on its own number: that is what makes
 * results the same for any number of threads. Small n (one range) never wakes the
 * pool. A call from inside a task runs serially in the caller, under the caller's
 * own worker number; a call while another thread's job is on the pool runs serially
 * too, as worker 0. A thread has 4 MiB of stack. */
void weft__parallel(size_t n, size_t grain, weft__work *task, void *arg);

int weft__workers(void); /* how many may call a task at once, at least 1 */

/* Joins the pool's threads; the next weft__parallel starts them again. For tests. */
void weft__pool_stop(void);

#endif
