/* weft/base.h: status, messages, threads, instruction set. The rules below hold for
 * every function of these headers; a comment repeats them only where it departs from
 * them.
 *
 * Arguments   No pointer may be NULL unless its comment says so; _free and _close
 * take
 *   NULL. Options are read during the call only; NULL, or a field of 0, means
 *   the default. Names and texts are copied.
 * Failure     A call that can fail returns a weft_status other than WEFT_OK and
 * leaves a
 *   message (weft_last_error). Its results are then untouched, and it has freed
 *   nothing of the caller's. Wrong input never aborts.
 * Building    Functions that return a weft_value add to a graph. They return
 * WEFT_NONE on
 *   failure, and the graph remembers the first cause (weft_graph_status).
 * Ownership   What comes from _new, _open, _load or through `out` is the caller's,
 * to be
 *   freed by the function its comment names. What is returned by pointer
 *   (const char *) belongs to the object that was asked.
 * Threads     Any function may be called from any thread, under these rules:
 *   message      each thread has its own.
 *   weft_graph   one thread at a time builds or changes it, weft_plan_new included.
 *   Functions that take it as const may run in several threads at once.
 *   weft_plan,   one thread at a time. Plans of one graph may run in several threads
 *     at
 *   weft_flow    once if all are for inference (neither a loss nor training) and
 *     none
 *   shares memory with another. A plan that trains writes gradients and
 *   running statistics to its graph: nothing else may use that meanwhile.
 *   optimizer    one thread at a time; a step changes the parameters of its graph.
 *   loader       one thread at a time; it prepares batches on threads of its own.
 *   data set, tokenizer   read-only once made: any number of threads.
 *   weft_meta    as weft_graph.
 *   settings     weft_set_threads and weft_set_isa are of the whole process.
 *   A call shares its work among the threads of one pool. If several threads
 *   compute at once, one of them has the pool and the others compute alone.
 *   No result depends on the number of threads: the bits are the same. */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of these headers, as numbers and as text. weft_version() is that of the
 * library the program runs with. */
#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
#define WEFT_VERSION "0.1.0"

/* Marks what the shared library exports. */
#ifdef __GNUC__
#define WEFT_API __attribute__((visibility("default")))
#else
#define WEFT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a call that can fail returns. 1 to 8 are also the exit codes of the command. */
typedef enum weft_status {
    WEFT_OK = 0,     /* done */
    WEFT_EBUG = 1,   /* an internal mistake of the library */
    WEFT_EUSAGE = 2, /* a wrong argument, option or order of calls; not in this build */
    WEFT_EDATA = 3,  /* the content of a data set, or of values given to a plan */
    WEFT_EMODEL = 4, /* a model or checkpoint file, or a network it cannot hold */
    WEFT_EIO = 5,    /* reading or writing failed: ENOSPC, EIO, EACCES ... */
    WEFT_ENOMEM = 6, /* no memory, or a limit on it */
    WEFT_EDIVERGED = 7, /* a loss or gradient is no longer finite */
    WEFT_EPEER = 8,     /* another process of the same run */
    WEFT_ESHAPE = 9,    /* shapes that do not fit; exit code 2 */
    WEFT_ESTOPPED = 10  /* the caller or a signal asked to stop; not a failure */
} weft_status;

/* The exit code that a program should end with for this status: WEFT_OK and
 * WEFT_ESTOPPED give 0, WEFT_ESHAPE 2, a number that is no status 1, the others
 * their own. */
WEFT_API int weft_exit_code(weft_status s);

/* The message of the last failure in this thread: one line without a newline, at
 * most 1023 bytes of UTF-8, control bytes escaped as \xNN. "" before the first
 * failure; a call that succeeds does not clear it. Belongs to the library; valid
 * until the next failing call in the same thread. */
WEFT_API const char *weft_last_error(void);

/* Sets this thread's message (one line; control bytes escaped as \xNN; cut at 1 KiB)
 * and returns s: for callbacks that fail, and for programs that add a status of their
 * own. Fails: always with s, be it WEFT_EDATA or any other, and in no other way. */
WEFT_API weft_status weft_fail(weft_status s, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Copies src into dst (size bytes, NUL included) with control bytes and invalid UTF-8
 * escaped as \xNN: for names from files that go to a terminal. Returns dst, the
 * caller's, which is not to be freed by itself. */
WEFT_API char *weft_escape(char *dst, size_t size, const char *src);
/* How many bytes of UTF-8 text fit into so many columns of a terminal (wide letters
 * take two); whole letters only. */
WEFT_API size_t weft_text_fit(const char *text, int columns);

/* The version of the library at run time: "0.1.0". Static text. */
WEFT_API const char *weft_version(void);
/* What the library says on stderr: 0 warnings and notes (at the start), 1 warnings, 2
 * nothing. */
WEFT_API void weft_set_quiet(int level);

/* Sets the number of threads (1 to 256, the calling one included) that share the
 * work of a call from now on. 0 chooses: the environment variable WEFT_NUM_THREADS,
 * else OMP_NUM_THREADS, else the processors that affinity and cgroup leave to the
 * process. A plan cannot run with more threads than there were when it was made
 * (weft_plan_forward). Not while another thread computes. Fails: WEFT_EUSAGE when
 * threads is below 0 or above 256, or inside a running pass. */
WEFT_API weft_status weft_set_threads(int threads);

/* The number of threads that share the work of a call; chooses one, as
 * weft_set_threads(0) does, if none was set. */
WEFT_API int weft_threads(void);

/* The instruction set of plans made from now on: "scalar", "avx2", "avx512" or "neon".
 * Chosen at first use: the best that the machine runs, or what the environment variable
 * WEFT_ISA names (a warning on stderr if that cannot be had). Static text. */
WEFT_API const char *weft_isa(void);

/* Chooses the instruction set of plans made from now on; NULL chooses the best.
 * Results differ between instruction sets in the last bits.
 * Fails: WEFT_EUSAGE when the name is unknown, not part of this build, or this machine
 * does not run it; the message lists those that can be used. */
WEFT_API weft_status weft_set_isa(const char *name);

#ifdef __cplusplus
}
#endif
#endif
