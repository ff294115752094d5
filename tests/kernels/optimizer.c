/* optimizer.c: the update rules against plain C in double and against PyTorch. */
#include "every_isa.h"

enum { STEPS = 6, MOST = 331 };

typedef enum rule { SGD, ADAM, RMSPROP } rule;

/* One way to call a rule. */
typedef struct setting {
    rule rule;
    double lr, decay, momentum, dampening, beta1, beta2, eps;
    bool nesterov, decoupled, centred;
    double
        torch[3]; /* what PyTorch 1.13 makes, in double, of torch_start in three steps */
} setting;

static const double torch_start[3] = {0.5, -1.25, 2.0};

static const setting settings[] = {
    {SGD, 0.1, .torch = {0.455, -0.995, 1.865}},
    {SGD, 0.1, 0.01, 0.9, 0.3, .torch = {0.4466522223, -0.9217402648, 1.827551539}},
    {SGD, 0.1, 0.01, 0.9, 0, .nesterov = true,
     .torch = {0.3907430563, -0.6181210778, 1.660568075}},
    {ADAM, 0.01, 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8,
     .torch = {0.4707577082, -1.220432468, 1.970352783}},
    {ADAM, 0.01, 0.1, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .decoupled = true,
     .torch = {0.4700355865, -1.216671101, 1.964780799}},
    {RMSPROP, 0.01, .beta1 = 0.9, .eps = 1e-6,
     .torch = {0.4110767219, -1.164478853, 1.912869364}},
    {RMSPROP, 0.01, 0.1, 0.5, .beta1 = 0.9, .eps = 1e-6, .centred = true,
     .torch = {0.3652039663, -1.117232205, 1.867964341}},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* The same in plain C; one element, state in m, v, w. */
static void reference_step(const setting *s, int t, double *p, double g, double *m,
                           double *v, double *w)
{
    if (s->decoupled)
        *p *= 1 - s->lr * s->decay;
    else
        g += s->decay * *p;
    if (s->rule == SGD) {
        if (s->momentum != 0) {
            *m = t == 1 ? g : s->momentum * *m + (1 - s->dampening) * g;
            g = s->nesterov ? g + s->momentum * *m : *m;
        }
        *p -= s->lr * g;
    } else if (s->rule == ADAM) {
        *m = s->beta1 * *m + (1 - s->beta1) * g;
        *v = s->beta2 * *v + (1 - s->beta2) * g * g;
        *p -= s->lr / (1 - pow(s->beta1, t)) * *m /
              (sqrt(*v) / sqrt(1 - pow(s->beta2, t)) + s->eps);
    } else {
        *v = s->beta1 * *v + (1 - s->beta1) * g * g;
        if (s->centred) *m = s->beta1 * *m + (1 - s->beta1) * g;
        g /= sqrt(*v - (s->centred ? *m * *m : 0)) + s->eps;
        *w = s->momentum * *w + g;
        *p -= s->lr * *w;
    }
}

static void kernel_step(const weft__kernels *k, const setting *s, int t, float *p,
                        const float *g, float *m, float *v, float *w, size_t n,
                        double gscale)
{
    if (s->rule == SGD)
        k->sgd(p, g, s->momentum != 0 ? m : NULL, n, s->lr, s->momentum, s->dampening,
               s->decay, s->nesterov, t == 1, gscale);
    else if (s->rule == ADAM)
        k->adam(p, g, m, v, n, s->lr, s->beta1, s->beta2, s->eps, s->decay, s->decoupled,
                1 - pow(s->beta1, t), 1 - pow(s->beta2, t), gscale);
    else
        k->rmsprop(p, g, v, s->centred ? m : NULL, s->momentum != 0 ? w : NULL, n, s->lr,
                   s->beta1, s->eps, s->decay, s->momentum, gscale);
}

static void check_rule(const weft__kernels *k, const setting *s, size_t n)
{
    const double gscale = 0.5;
    guarded gp = guarded_random(n, -2, 2, n), gm = guarded_random(n, 0, 0, 0);
    guarded gv = guarded_random(n, 0, 0, 0), gw = guarded_random(n, 0, 0, 0);
    float *p = gp.data;
    double want[MOST], m[MOST] = {0}, v[MOST] = {0}, w[MOST] = {0};
    for (size_t i = 0; i < n; i++) want[i] = p[i];
    for (int t = 1; t <= STEPS; t++) {
        guarded gg = guarded_random(n, 0.2, 1, n + 1000 * (uint64_t)t);
        float *g = gg.data;
        for (size_t i = 1; i < n; i += 2) g[i] = -g[i];
        for (size_t i = 0; i < n; i++)
            reference_step(s, t, &want[i], gscale * g[i], &m[i], &v[i], &w[i]);
        kernel_step(k, s, t, p, g, gm.data, gv.data, gw.data, n, gscale);
        for (size_t i = 0; i < n; i++)
            CHECK_ELEMENT(k->isa, "parameter", n, i, p[i], want[i], 2e-6 * t);
        guarded_free(gg);
    }
    guarded_free(gp);
    guarded_free(gm);
    guarded_free(gv);
    guarded_free(gw);
}

static void rules_agree_with_plain_c(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SETTINGS; s++) {
            for (size_t n = 0; n < 68; n++) check_rule(*k, &settings[s], n);
            check_rule(*k, &settings[s], MOST);
        }
}

static void rules_agree_with_pytorch(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SETTINGS; s++) {
            float p[3], m[3] = {0}, v[3] = {0}, w[3] = {0};
            for (int i = 0; i < 3; i++) p[i] = (float)torch_start[i];
            for (int t = 1; t <= 3; t++) {
                const double g[3] = {0.1 * t - 0.05, -0.4 * t - 0.05, 0.25 * t - 0.05};
                float gf[3];
                for (int i = 0; i < 3; i++) gf[i] = (float)g[i];
                kernel_step(*k, &settings[s], t, p, gf, m, v, w, 3, 1);
            }
            for (int i = 0; i < 3; i++)
                CHECK_ELEMENT((*k)->isa, "parameter", s, i, p[i], settings[s].torch[i],
                              2e-6);
        }
}

/* 1 - 0.999f in float is off by 1e-5; the second moment would be too. */
static void small_complements_keep_their_digits(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        float p = 0, g = 1, m = 0, v = 0;
        (*k)->adam(&p, &g, &m, &v, 1, 0.001, 0.9, 0.999, 1e-8, 0, false, 0.1, 0.001, 1);
        CHECK_NEAR(v, 0.001, 1e-10);
        CHECK_NEAR(m, 0.1, 1e-8);
        CHECK_NEAR(p, -0.001, 1e-9);
    }
}

static void slabs_may_be_cut_anywhere(void **state)
{
    (void)state;
    enum { N = 100 };
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < SETTINGS; s++) {
            float g[N], whole[4][N], cut[4][N];
            for (int i = 0; i < N; i++) g[i] = (float)(i % 7) - 3.1f;
            memset(whole, 0, sizeof whole);
            for (int i = 0; i < N; i++) whole[0][i] = (float)i * 0.01f;
            memcpy(cut, whole, sizeof cut);
            kernel_step(*k, &settings[s], 1, whole[0], g, whole[1], whole[2], whole[3], N,
                        1);
            for (size_t i = 0, some = 1; i < N; i += some, some++) {
                const size_t n = N - i < some ? N - i : some;
                kernel_step(*k, &settings[s], 1, cut[0] + i, g + i, cut[1] + i,
                            cut[2] + i, cut[3] + i, n, 1);
            }
            CHECK(!memcmp(whole, cut, sizeof cut));
        }
}

RUN_TESTS(TEST(rules_agree_with_plain_c), TEST(rules_agree_with_pytorch),
          TEST(small_complements_keep_their_digits), TEST(slabs_may_be_cut_anywhere))
