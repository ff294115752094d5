/* dispatch.c: chooses, once and at run time, which instruction set's kernels are used.
 *
 * Built without any dialect's flags, with WEFT_HAVE_<ISA> for each that the build
 * contains. */
#include "kernels/kernels.h"

#include "base/error.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef const void *set_fn(void);
set_fn weft_set_f64__f64, weft_set_f32__scalar;
#ifdef WEFT_HAVE_NEON
set_fn weft_set_f32__neon;
#endif
#ifdef WEFT_HAVE_AVX2
set_fn weft_set_f32__avx2;
#endif
#ifdef WEFT_HAVE_AVX512
set_fn weft_set_f32__avx512;
#endif

/* In rising order of preference. */
static set_fn *const built_in[WEFT_ISA_COUNT] = {
    [WEFT_ISA_SCALAR] = weft_set_f32__scalar,
#ifdef WEFT_HAVE_NEON
    [WEFT_ISA_NEON] = weft_set_f32__neon,
#endif
#ifdef WEFT_HAVE_AVX2
    [WEFT_ISA_AVX2] = weft_set_f32__avx2,
#endif
#ifdef WEFT_HAVE_AVX512
    [WEFT_ISA_AVX512] = weft_set_f32__avx512,
#endif
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(weft__isa) chosen;

const void *weft__kernels_of(weft__isa isa)
{
    if ((unsigned)isa >= WEFT_ISA_COUNT || !built_in[isa]) return NULL;
    return weft__isa_runs_here(isa) ? built_in[isa]() : NULL;
}

static weft__isa best_isa(void)
{
    int isa = WEFT_ISA_COUNT - 1;
    while (isa > WEFT_ISA_SCALAR && !weft__kernels_of((weft__isa)isa)) isa--;
    return (weft__isa)isa;
}

/* WEFT_ISA_COUNT when there is no such name. */
static weft__isa isa_named(const char *name)
{
    int isa = 0;
    while (isa < WEFT_ISA_COUNT && strcmp(name, weft__isa_name((weft__isa)isa))) isa++;
    return (weft__isa)isa;
}

/* Why this instruction set cannot be used, or NULL when it can. */
static const char *obstacle(weft__isa isa)
{
    if (isa == WEFT_ISA_COUNT) return "is unknown";
    if (!built_in[isa]) return "is not part of this build";
    return weft__kernels_of(isa) ? NULL : "does not run on this machine";
}

/* "scalar, avx2": those that can be used. */
static const char *usable_names(char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (int isa = 0; isa < WEFT_ISA_COUNT; isa++) {
        if (!weft__kernels_of((weft__isa)isa)) continue;
        const char *name = weft__isa_name((weft__isa)isa);
        if (used + strlen(name) + 3 > size) break;
        if (used) used += strlen(strcpy(text + used, ", "));
        used += strlen(strcpy(text + used, name));
    }
    return text;
}

static void choose_first(void)
{
    const char *wanted = getenv("WEFT_ISA");
    weft__isa isa = best_isa();
    if (wanted && *wanted) {
        const weft__isa named = isa_named(wanted);
        const char *why = obstacle(named);
        char shown[64], names[64];
        if (why)
            weft__warn("WEFT_ISA: instruction set \"%s\" %s (usable: %s); using %s",
                       weft__escape(shown, sizeof shown, wanted), why,
                       usable_names(names, sizeof names), weft__isa_name(isa));
        else
            isa = named;
    }
    atomic_store(&chosen, isa);
}

static weft__isa chosen_isa(void)
{
    pthread_once(&once, choose_first);
    return atomic_load(&chosen);
}

const void *weft__kernels_chosen(bool f64)
{
    return f64 ? weft_set_f64__f64() : built_in[chosen_isa()]();
}

const void *weft__kernels_exact(const void *set)
{
    const weft__kernels *k = set;
    return k->exact ? k->exact : k;
}

const char *weft_isa(void)
{
    return weft__isa_name(chosen_isa());
}

weft_status weft_set_isa(const char *name)
{
    weft__isa isa = name ? isa_named(name) : best_isa();
    const char *why = obstacle(isa);
    char shown[64], names[64];
    if (why)
        return weft__fail(WEFT_EUSAGE, "instruction set \"%s\" %s (usable: %s)",
                          weft__escape(shown, sizeof shown, name), why,
                          usable_names(names, sizeof names));
    chosen_isa(); /* so that the environment cannot override it later */
    atomic_store(&chosen, isa);
    return WEFT_OK;
}
