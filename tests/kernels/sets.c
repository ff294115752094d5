/* sets.c: tests of how an instruction set is chosen and that each set is whole. */
#include "every_isa.h"

#include <sys/wait.h>

static void every_set_has_every_kernel(void **state)
{
    (void)state;
    int sets = 0;
    for (const weft__kernels *const *k = every_set(); *k; k++, sets++) {
#define HAS(type, name, args) CHECK((*k)->name != NULL);
        WEFT_KERNELS(HAS)
    }
    CHECK(sets >= 1);
}

static void every_set_goes_by_its_name(void **state)
{
    (void)state;
    for (int isa = 0; isa < WEFT_ISA_COUNT; isa++) {
        const weft__kernels *k = weft__kernels_of((weft__isa)isa);
        if (k) CHECK_TEXT(k->isa, weft__isa_name((weft__isa)isa));
        if (!weft__isa_runs_here((weft__isa)isa)) CHECK(k == NULL);
    }
    CHECK(weft__kernels_of(WEFT_ISA_SCALAR) != NULL);
    CHECK(weft__kernels_of(WEFT_ISA_COUNT) == NULL);
    CHECK(weft__kernels_of((weft__isa)-1) == NULL);
}

/* The environment is read at the first use, so each case has a process of its own.
 * Returns the index of the ISA that was chosen. */
static int chosen_with(const char *value)
{
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setenv("WEFT_ISA", value, 1);
        for (int isa = 0; isa < WEFT_ISA_COUNT; isa++)
            if (!strcmp(weft_isa(), weft__isa_name((weft__isa)isa))) _exit(isa);
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_environment_forces_an_instruction_set(void **state)
{
    (void)state;
    int best = WEFT_ISA_COUNT - 1;
    while (!weft__kernels_of((weft__isa)best)) best--;
    for (int isa = 0; isa < WEFT_ISA_COUNT; isa++) {
        const bool usable = weft__kernels_of((weft__isa)isa) != NULL;
        CHECK(chosen_with(weft__isa_name((weft__isa)isa)) == (usable ? isa : best));
    }
    CHECK(chosen_with("") == best);
    CHECK(chosen_with("sse9000\n") == best); /* with one line of warning */
}

static void an_instruction_set_is_set_by_name(void **state)
{
    (void)state;
    const char *best;
    CHECK(weft_set_isa(NULL) == WEFT_OK);
    best = weft_isa();
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        CHECK(weft_set_isa((*k)->isa) == WEFT_OK);
        CHECK_TEXT(weft_isa(), (*k)->isa);
        CHECK(weft__kernels_chosen(false) == *k);
    }
    CHECK(weft_set_isa(NULL) == WEFT_OK);
    CHECK_TEXT(weft_isa(), best);
}

static void an_unusable_name_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    CHECK(weft_set_isa("scalar") == WEFT_OK);
    CHECK(weft_set_isa("sse\x1b[31m") == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(),
              "instruction set \"sse\\x1b[31m\" is unknown (usable: scalar");
    CHECK(weft_set_isa("") == WEFT_EUSAGE);
    CHECK(weft_set_isa("f64") == WEFT_EUSAGE);
    for (int isa = 0; isa < WEFT_ISA_COUNT; isa++)
        if (!weft__kernels_of((weft__isa)isa)) {
            CHECK(weft_set_isa(weft__isa_name((weft__isa)isa)) == WEFT_EUSAGE);
            CHECK_HAS(weft_last_error(), weft__isa_name((weft__isa)isa));
        }
    CHECK_TEXT(weft_isa(), "scalar");
}

/* the_environment first: it must be the first to choose. */
RUN_TESTS(TEST(the_environment_forces_an_instruction_set),
          TEST(every_set_has_every_kernel), TEST(every_set_goes_by_its_name),
          TEST(an_instruction_set_is_set_by_name),
          TEST(an_unusable_name_is_refused_and_changes_nothing))
