/* Tests of the learning rate schedules, against what torch.optim.lr_scheduler gives. */
#include "test.h"

#include "weft/train.h"

static void follow(weft_schedule s, double epochs, const double *wanted, int n,
                   double each)
{
    CHECK(weft_schedule_check(&s) == WEFT_OK);
    for (int i = 0; i < n; i++)
        CHECK_NEAR(weft_schedule_rate(&s, 0.1, i * each, epochs, 1), wanted[i], 1e-9);
}

#define FOLLOW(s, epochs, each, ...) \
    do { \
        const double wanted[] = {__VA_ARGS__}; \
        follow(s, epochs, wanted, (int)(sizeof wanted / sizeof *wanted), each); \
    } while (0)

static void step_and_multistep_follow_pytorch(void **state)
{
    (void)state;
    weft_schedule step = {.name = "step", .step = 3, .gamma = 0.5};
    weft_schedule multi = {.name = "multistep", .milestones = {2, 5, 6}};
    FOLLOW(step, 10, 1, .1, .1, .1, .05, .05, .05, .025, .025, .025, .0125);
    FOLLOW(multi, 9, 1, .1, .1, .01, .01, .01, .001, .0001, .0001, .0001);
    CHECK_NEAR(weft_schedule_rate(&step, 0.1, 2.99, 10, 1), 0.1,
               0); /* falls between epochs */
    CHECK_NEAR(weft_schedule_rate(&multi, 0.1, 1.99, 9, 1), 0.1, 0);
}

static void exponential_follows_pytorch(void **state)
{
    (void)state;
    weft_schedule s = {.name = "exponential", .gamma = 0.9};
    FOLLOW(s, 6, 1, .1, .09, .081, .0729, .06561, .059049);
    s.gamma = 0;
    FOLLOW(s, 6, 1, .1, .095, .09025);
}

static void cosine_follows_pytorch(void **state)
{
    (void)state;
    weft_schedule s = {.name = "cosine", .final = 0.02};
    FOLLOW(s, 10, 1, 0.1, 0.0976017693, 0.0906418327, 0.0798014774, 0.0661418327, 0.051,
           0.0358581673, 0.0221985226, 0.0113581673, 0.0043982307, 0.002, 0.002);
}

/* SequentialLR of LinearLR over 4 epochs and CosineAnnealingLR over the other 8. */
static void warm_up_goes_before_cosine_as_in_pytorch(void **state)
{
    (void)state;
    weft_schedule s = {.name = "cosine", .warmup = 4, .warmup_start = 0.1};
    FOLLOW(s, 12, 1, 0.01, 0.0325, 0.055, 0.0775, 0.1, 0.0961939766, 0.0853553391,
           0.0691341716, 0.05, 0.0308658284, 0.0146446609, 0.0038060234, 0);
}

/* OneCycleLR with 100001 steps: PyTorch's turning point lies one step before 0.3. */
static void onecycle_follows_pytorch(void **state)
{
    (void)state;
    weft_schedule s = {.name = "onecycle"};
    const double wanted[] = {0.004,         0.028,          0.076,         0.1,
                             0.0950484632,  0.08117456539,  0.06112620219, 0.03887419781,
                             0.01882583461, 0.004951936799, 4e-07};
    const double torch[] = {0.004,        0.0280010158,  0.0760020315, 0.1,
                            0.095047879,  0.0811736882,  0.0611253271, 0.0388735415,
                            0.0188254837, 0.00495183944, 4e-7};
    for (int i = 0; i <= 10; i++) {
        double rate = weft_schedule_rate(&s, 0.1, 3 * i, 30, 1);
        CHECK_NEAR(rate, wanted[i], 1e-8);
        CHECK_NEAR(rate, torch[i], 3e-6);
    }
    CHECK_NEAR(weft_schedule_rate(&s, 0.1, 4.5, 30, 1), 0.052, 1e-9); /* half way up */
}

static void a_plateau_takes_the_factor_and_the_warm_up(void **state)
{
    (void)state;
    weft_schedule s = {.name = "plateau", .warmup = 2};
    CHECK_NEAR(weft_schedule_rate(&s, 0.1, 5, 10, 1), 0.1, 1e-12);
    CHECK_NEAR(weft_schedule_rate(&s, 0.1, 5, 10, 0.25), 0.025, 1e-12);
    CHECK_NEAR(weft_schedule_rate(&s, 0.1, 0, 10, 1), 0.001, 1e-12);
    CHECK_NEAR(weft_schedule_rate(&s, 0.1, 1, 10, 1), 0.0505, 1e-12);
}

static void constant_is_what_no_name_means(void **state)
{
    (void)state;
    weft_schedule s = {0};
    FOLLOW(s, 3, 1, .1, .1, .1);
    s.name = "constant";
    FOLLOW(s, 3, 1, .1, .1, .1);
}

static void no_schedule_leaves_the_range_of_rates(void **state)
{
    (void)state;
    for (int i = 0; i < weft_schedule_total(); i++)
        for (double warmup = 0; warmup <= 6; warmup += 3) {
            weft_schedule s = {
                .name = weft_schedule_name(i),
                .milestones = {1, 2},
                .warmup = strcmp(weft_schedule_name(i), "onecycle") ? warmup : 0};
            CHECK(weft_schedule_check(&s) == WEFT_OK);
            for (double epoch = -1; epoch <= 8; epoch += 0.125) {
                double rate =
                    weft_schedule_rate(&s, 0.1, epoch, 5, 1); /* before and behind too */
                CHECK(rate >= 0 && rate <= 0.1 + 1e-12);
            }
        }
    CHECK(weft_schedule_total() == 7);
    CHECK(weft_schedule_name(-1) == NULL && weft_schedule_name(7) == NULL);
}

static void refused(weft_schedule s, const char *message)
{
    CHECK(weft_schedule_check(&s) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), message);
}

static void wrong_numbers_are_refused(void **state)
{
    (void)state;
    refused((weft_schedule){.name = "cosin"}, "did you mean \"cosine\"?");
    refused((weft_schedule){.name = "magic"}, "(there are constant, step");
    refused((weft_schedule){.name = "cosine", .warmup = -1}, "warmup is -1");
    refused((weft_schedule){.name = "cosine", .warmup = NAN}, "warmup is nan");
    refused((weft_schedule){.name = "cosine", .final = 2}, "final is 2");
    refused((weft_schedule){.name = "step", .gamma = -0.5}, "gamma is -0.5");
    refused((weft_schedule){.name = "step", .step = -3}, "step is -3");
    refused((weft_schedule){.name = "multistep"}, "needs milestones");
    refused((weft_schedule){.name = "multistep", .milestones = {3, 3}},
            "milestone 2 is 3");
    refused((weft_schedule){.name = "multistep", .milestones = {3, NAN}},
            "milestone 2 is nan");
    refused((weft_schedule){.name = "onecycle", .peak_at = 1}, "peak_at is 1");
    refused((weft_schedule){.name = "onecycle", .warmup = 1}, "rises by itself");
    refused((weft_schedule){.name = "plateau", .gamma = 1.5}, "a reduction is below 1");
    refused((weft_schedule){.name = "plateau", .patience = -1}, "patience is -1");
}

RUN_TESTS(TEST(step_and_multistep_follow_pytorch), TEST(exponential_follows_pytorch),
          TEST(cosine_follows_pytorch), TEST(warm_up_goes_before_cosine_as_in_pytorch),
          TEST(onecycle_follows_pytorch),
          TEST(a_plateau_takes_the_factor_and_the_warm_up),
          TEST(constant_is_what_no_name_means),
          TEST(no_schedule_leaves_the_range_of_rates), TEST(wrong_numbers_are_refused))
