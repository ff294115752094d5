/* weft/base.h: status, messages, threads, instruction set: what the other headers need.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
#define WEFT_VERSION "0.1.0"

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
    WEFT_OK = 0,
    WEFT_EBUG = 1,      /* an internal mistake of ours */
    WEFT_EUSAGE = 2,    /* wrong argument, option or configuration */
    WEFT_EDATA = 3,     /* the content of a data set */
    WEFT_EMODEL = 4,    /* a model or checkpoint file */
    WEFT_EIO = 5,       /* reading or writing failed: ENOSPC, EIO, EACCES ... */
    WEFT_ENOMEM = 6,    /* memory or a resource limit */
    WEFT_EDIVERGED = 7, /* loss or gradient no longer finite */
    WEFT_EPEER = 8,     /* another process of the same run */
    WEFT_ESHAPE = 9,    /* shapes that do not fit; exit code 2 */
    WEFT_ESTOPPED = 10  /* the caller or a signal asked to stop; not a failure */
} weft_status;

/* The exit code that a program should end with for this status (WEFT_ESHAPE gives 2). */
WEFT_API int weft_exit_code(weft_status s);

/* The message of the last failure in this thread, one line without a newline; "" when
 * none. Belongs to the library; valid until the next failing call in the same thread. */
WEFT_API const char *weft_last_error(void);

/* "0.1.0" */
WEFT_API const char *weft_version(void);

/* Sets the number of threads (1 to 256) that compute from now on; 0 chooses from
 * WEFT_NUM_THREADS, OMP_NUM_THREADS, then the affinity and cgroup of the process.
 * Not to be called while a pass is running. Fails with WEFT_EUSAGE. */
WEFT_API weft_status weft_set_threads(int threads);
WEFT_API int weft_threads(void);

/* The instruction set whose kernels run: "scalar", "avx2", "avx512" or "neon". Chosen at
 * first use; the environment variable WEFT_ISA forces one. */
WEFT_API const char *weft_isa(void);

/* Chooses an instruction set for plans made from now on; NULL chooses the best. Fails
 * with WEFT_EUSAGE when the name is unknown, not built in, or this machine lacks it. */
WEFT_API weft_status weft_set_isa(const char *name);

/* Whether convolutions of plans made from now on are plain sums of products. Otherwise,
 * as at first, 3x3 kernels of stride 1 go by Winograd's transforms where those are
 * faster: two to three times, for an error of some 1e-6 rather than some 1e-7. */
WEFT_API void weft_set_exact_conv(bool exact);
WEFT_API bool weft_exact_conv(void);

#ifdef __cplusplus
}
#endif
#endif
