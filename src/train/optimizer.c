/* optimizer.c: one update of all parameters: norm of the gradient, clipping, rule,
 * average; after the backward pass, or in it. */
#include "train/optimizer.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/thread.h"
#include "plan/step.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Elements that are worked on at a time. Part of the results' bits (the norm adds up
 * by pieces), so it does not depend on their number. A multiple of every vector's
 * width. */
enum { PIECE = 1 << 14 };
/* Rows of a sparse parameter that are worked on at a time, likewise. */
enum { ROWS = 64 };
/* Pieces that are worth waking another thread for. */
enum { SHARE = 4 };

#define OPTIMIZER(name) extern const weft__rule weft__rule_##name;
#include "train/rules/table.def"
#undef OPTIMIZER

static const weft__rule *const table[] = {
#define OPTIMIZER(name) &weft__rule_##name,
#include "train/rules/table.def"
#undef OPTIMIZER
};
enum { COUNT = sizeof table / sizeof *table };

/* ---- by name ---- */

static const weft__rule *rule_named(const char *name)
{
    for (int i = 0; i < COUNT && name; i++)
        if (!strcmp(table[i]->name, name)) return table[i];
    return NULL;
}

weft_optimizer_opts weft_optimizer_defaults(const char *name)
{
    const weft__rule *rule = rule_named(name);
    return rule ? rule->defaults : (weft_optimizer_opts){0};
}

int weft_optimizer_total(void)
{
    return COUNT;
}

const char *weft_optimizer_name(int i)
{
    return i >= 0 && i < COUNT ? table[i]->name : NULL;
}

static weft_status unknown_name(const char *name)
{
    const char *names[COUNT];
    char list[256] = "";
    size_t used = 0;
    for (int i = 0; i < COUNT; i++) {
        names[i] = table[i]->name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     i ? ", " : "", names[i]);
    }
    if (!name)
        return weft__fail(WEFT_EUSAGE, "optimizer: no name given (there are %s)", list);
    const char *near = weft__nearest(name, names, COUNT);
    if (near)
        return weft__fail(WEFT_EUSAGE,
                          "optimizer \"%.64s\" is unknown; did you mean \"%s\"?", name,
                          near);
    return weft__fail(WEFT_EUSAGE, "optimizer \"%.64s\" is unknown (there are %s)", name,
                      list);
}

/* ---- options ---- */

weft_status weft__option_range(const char *name, const char *option, double x, double low,
                               double high, bool below)
{
    if (x >= low && (below ? x < high : x <= high)) return WEFT_OK;
    if (isinf(high))
        return weft__fail(WEFT_EUSAGE, "%s: %s is %g; allowed are finite numbers from %g",
                          name, option, x, low);
    return weft__fail(WEFT_EUSAGE, "%s: %s is %g; allowed are %g %s %g", name, option, x,
                      low, below ? "to below" : "to", high);
}

weft_status weft__option_eps(const char *name, double eps)
{
    if (eps >= FLT_MIN && isfinite(eps)) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE,
                      "%s: eps is %g; it must be %g or more: it keeps a division by "
                      "zero away",
                      name, eps, (double)FLT_MIN);
}

static weft_status check(const weft__rule *rule, const weft_optimizer_opts *o)
{
    double type = o->clip_norm_type;
    weft_status s = weft__option_range(rule->name, "lr", o->lr, 0, INFINITY, true);
    if (!s)
        s = weft__option_range(rule->name, "weight_decay", o->weight_decay, 0, INFINITY,
                               true);
    if (!s)
        s = weft__option_range(rule->name, "clip_norm", o->clip_norm, 0, INFINITY, true);
    if (!s)
        s = weft__option_range(rule->name, "clip_value", o->clip_value, 0, INFINITY,
                               true);
    if (!s) s = weft__option_range(rule->name, "ema", o->ema, 0, 1, true);
    if (!s && type != 0 && type != 1 && type != 2 && !(isinf(type) && type > 0))
        s = weft__fail(WEFT_EUSAGE,
                       "%s: clip_norm_type is %g; allowed are 1, 2 and infinity",
                       rule->name, type);
    return !s && rule->check ? rule->check(o) : s;
}

/* ---- making ---- */

static const weft__value *parameter(const weft_graph *g, int i)
{
    return &g->value[g->param[i]];
}

static size_t place_of(const weft_graph *g, int i)
{
    return (size_t)((const float *)parameter(g, i)->data - (const float *)g->slab);
}

/* Of a parameter's memory, which is padded to whole cache lines; none of a sparse
 * one. */
static size_t pieces_of(const weft_graph *g, int i)
{
    size_t count = weft__nominal(g, g->param[i], 0).count;
    return parameter(g, i)->row_set ? 0 : (count + PIECE - 1) / PIECE;
}

static size_t dense_pieces(const weft_optimizer *o)
{
    return o->first[o->g->trainable];
}

static void cut(weft_optimizer *o)
{
    const weft_graph *g = o->g;
    size_t n = 0;
    for (int v = 0; v < g->values; v++) o->number[v] = -1;
    for (int i = 0; i < g->trainable; i++) {
        size_t here = pieces_of(g, i), at = place_of(g, i);
        size_t end = at + weft__nominal(g, g->param[i], 0).count;
        o->number[g->param[i]] = i;
        o->first[i] = n;
        for (size_t k = 0; k < here; k++, at += PIECE)
            o->piece[n++] = (weft__piece){.begin = at,
                                          .end = end - at < PIECE ? end : at + PIECE,
                                          .decays = !parameter(g, i)->no_decay};
    }
    o->first[g->trainable] = n;
}

/* Groups of `rows` rows of sparse parameters. */
static size_t groups_of(int rows)
{
    return ((size_t)rows + ROWS - 1) / ROWS;
}

/* Of all sparse rows that were written in this step. */
static size_t groups(const weft_graph *g)
{
    size_t n = 0;
    for (int i = 0; i < g->trainable; i++)
        if (parameter(g, i)->row_set) n += groups_of(parameter(g, i)->row_set->count);
    return n;
}

/* Pieces, and the most groups that there can be. */
static size_t parts_most(const weft_graph *g)
{
    size_t n = 0;
    for (int i = 0; i < g->trainable; i++) {
        const weft__row_set *t = parameter(g, i)->row_set;
        n += t ? groups_of(t->rows) : pieces_of(g, i);
    }
    return n;
}

/* Rows row[0 .. count-1] of a sparse parameter; `at`: its first element in the slab. */
typedef struct group {
    const int32_t *row;
    int count;
    size_t at, wide;
    bool decays;
} group;

static group group_at(const weft_graph *g, size_t i)
{
    for (int k = 0; k < g->trainable; k++) {
        const weft__value *v = parameter(g, k);
        const weft__row_set *t = v->row_set;
        size_t here = t ? groups_of(t->count) : 0;
        if (i >= here) {
            i -= here;
            continue;
        }
        int first = (int)i * ROWS, left = t->count - first;
        return (group){.row = t->row + first,
                       .count = left < ROWS ? left : ROWS,
                       .at = place_of(g, k),
                       .wide = t->wide,
                       .decays = !v->no_decay};
    }
    return (group){.count = 0};
}

static weft_status allocate(weft_optimizer *o)
{
    size_t count = o->g->slab_count ? o->g->slab_count : 1, parts = parts_most(o->g);
    size_t trained = (size_t)o->g->trainable, values = (size_t)o->g->values;
    unsigned used = o->rule->moments(&o->opts);
    bool whole = (o->part = weft__alloc(parts + 1, sizeof *o->part)) != NULL &&
                 (o->piece = weft__alloc(parts + 1, sizeof *o->piece)) != NULL &&
                 (o->first = weft__alloc(trained + 1, sizeof *o->first)) != NULL &&
                 (o->updated = weft__alloc(trained + 1, sizeof *o->updated)) != NULL &&
                 (o->number = weft__alloc(values + 1, sizeof *o->number)) != NULL;
    if (whole) cut(o);
    for (int i = 0; i < WEFT_MOMENTS && whole; i++)
        if (used >> i & 1)
            whole = (o->moment[i] = weft__alloc(count, sizeof *o->moment[i])) != NULL;
    if (whole && o->opts.ema > 0)
        whole = (o->average = weft__alloc(count, sizeof *o->average)) != NULL;
    if (whole) return WEFT_OK;
    return weft__fail(WEFT_ENOMEM, "%s: no memory for its state of %zu parameters",
                      o->rule->name, o->g->slab_count);
}

weft_status weft_optimizer_new(weft_graph *g, const weft_optimizer_opts *opts,
                               weft_optimizer **out)
{
    const weft__rule *rule = rule_named(opts->name);
    if (!rule) return unknown_name(opts->name);
    weft_optimizer *o = NULL;
    weft_status s = check(rule, opts);
    if (!s && g->f64)
        s = weft__fail(WEFT_EUSAGE,
                       "%s: a graph in double precision is for gradient checks, "
                       "not for training",
                       rule->name);
    if (!s) s = weft__graph_finalize(g, "weft_optimizer_new");
    if (!s) s = weft__gradients_alloc(g);
    if (s) return s;
    o = calloc(1, sizeof *o);
    if (!o) return weft__fail(WEFT_ENOMEM, "%s: out of memory", rule->name);
    o->g = g;
    o->rule = rule;
    o->opts = *opts;
    o->opts.name = rule->name; /* the caller's text may not live as long */
    if (o->opts.clip_norm_type == 0) o->opts.clip_norm_type = 2;
    s = allocate(o);
    if (s)
        weft_optimizer_free(o);
    else
        *out = o;
    return s;
}

void weft_optimizer_free(weft_optimizer *o)
{
    if (!o) return;
    for (int i = 0; i < WEFT_MOMENTS; i++) free(o->moment[i]);
    free(o->average);
    free(o->part);
    free(o->piece);
    free(o->first);
    free(o->updated);
    free(o->number);
    free(o);
}

/* ---- the norm of all gradients ---- */

/* The largest size or, of norm 1, the sum of sizes, by eight numbers side by side. */
static double sizes(const float *x, size_t n, bool largest)
{
    double w[8] = {0};
    for (size_t i = 0; i < n; i++) {
        double size = fabs((double)x[i]);
        w[i & 7] = !largest ? w[i & 7] + size : size > w[i & 7] ? size : w[i & 7];
    }
    for (int half = 4; half; half /= 2)
        for (int i = 0; i < half; i++)
            w[i] = !largest             ? w[i] + w[i + half]
                   : w[i + half] > w[i] ? w[i + half]
                                        : w[i];
    return w[0];
}

/* Of a piece: the sum of squares or sizes or the largest size; NaN when not all are
 * finite. */
static double piece_norm(const float *x, size_t n, double type)
{
    const weft__kernels *k = weft__optimizer_kernels();
    if (type == 2) {
        double sum = k->sum_squares(x, n);
        if (isfinite(sum)) return sum;
    }
    if (!k->all_finite(x, n)) return NAN;
    if (type != 2) return sizes(x, n, type != 1);
    double sum = 0; /* finite gradients whose squares are beyond float */
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sum;
}

/* The sum, or the larger one; NaN stays NaN. */
static double join(double a, double b, bool largest)
{
    if (!largest || isnan(a) || isnan(b)) return a + b;
    return a > b ? a : b;
}

/* What no step touched is 0 and adds nothing. */
static double group_norm(const weft_optimizer *o, const group *rows)
{
    double type = o->opts.clip_norm_type, all = 0;
    const float *from = (const float *)o->g->gradients + rows->at;
    for (int k = 0; k < rows->count; k++)
        all = join(all,
                   piece_norm(from + (size_t)rows->row[k] * rows->wide, rows->wide, type),
                   isinf(type));
    return all;
}

static double piece_part(const weft_optimizer *o, size_t i)
{
    const weft__piece *p = &o->piece[i];
    return piece_norm((const float *)o->g->gradients + p->begin, p->end - p->begin,
                      o->opts.clip_norm_type);
}

static void norms(void *arg, size_t first, size_t last, int worker)
{
    weft_optimizer *o = arg;
    const size_t dense = dense_pieces(o);
    (void)worker;
    for (size_t i = first; i < last; i++) {
        if (i < dense) {
            o->part[i] = piece_part(o, i);
            continue;
        }
        group rows = group_at(o->g, i - dense);
        o->part[i] = group_norm(o, &rows);
    }
}

/* Added in halves, so that the order is a function of n alone. */
static double gather(const double *part, size_t n, bool largest)
{
    if (n == 0) return 0;
    if (n == 1) return part[0];
    return join(gather(part, n / 2, largest), gather(part + n / 2, n - n / 2, largest),
                largest);
}

/* Of the parts, when all are known. */
static double whole_norm(const weft_optimizer *o)
{
    double type = o->opts.clip_norm_type;
    double all = gather(o->part, dense_pieces(o) + groups(o->g), isinf(type));
    return type == 2 ? sqrt(all) : all;
}

static weft_status not_finite(const weft_graph *g)
{
    for (int i = 0; i < g->trainable; i++) {
        weft__tensor t = weft__stored(g, g->param[i], true);
        if (!weft__optimizer_kernels()->all_finite(t.data, t.count))
            return weft__fail(WEFT_EDIVERGED, "%s: its gradient is not finite",
                              g->value[g->param[i]].name);
    }
    return weft__fail(WEFT_EDIVERGED, "the gradient is not finite");
}

/* ---- the step ---- */

typedef struct step {
    weft_optimizer *o;
    double lr, scale; /* scale: what clipping by norm leaves of the gradient */
    double keep;      /* of the average */
} step;

/* Elements begin .. end-1 of the slab. */
static void update_range(const step *s, size_t begin, size_t end, bool decays)
{
    weft_optimizer *o = s->o;
    if (o->opts.clip_value > 0) { /* after clipping by norm, which is still to come */
        float most = (float)fmin(o->opts.clip_value / s->scale, FLT_MAX);
        weft__optimizer_kernels()->clamp((float *)o->g->gradients + begin, end - begin,
                                         -most, most);
    }
    o->rule->update(o, begin, end, s->lr, decays ? o->opts.weight_decay : 0, s->scale);
}

static void average_range(const step *s, size_t begin, size_t end)
{
    const weft_optimizer *o = s->o;
    weft__optimizer_kernels()->axpby(o->average + begin,
                                     (const float *)o->g->slab + begin, end - begin,
                                     (float)(1 - s->keep), (float)s->keep);
}

static void update_piece(const step *s, size_t i)
{
    const weft__piece *p = &s->o->piece[i];
    update_range(s, p->begin, p->end, p->decays);
    if (s->o->average) average_range(s, p->begin, p->end);
}

static void update_group(const step *s, size_t i)
{
    group rows = group_at(s->o->g, i);
    for (int k = 0; k < rows.count; k++) {
        size_t begin = rows.at + (size_t)rows.row[k] * rows.wide;
        update_range(s, begin, begin + rows.wide, rows.decays);
    }
}

static void update_all(void *arg, size_t first, size_t last, int worker)
{
    const step *s = arg;
    const size_t dense = dense_pieces(s->o);
    (void)worker;
    for (size_t i = first; i < last; i++)
        if (i < dense)
            update_piece(s, i);
        else
            update_group(s, i - dense);
}

/* Of sparse parameters all rows, for the average of one that rests moves too. */
static void average_sparse(void *arg, size_t first, size_t last, int worker)
{
    const step *s = arg;
    const weft_graph *g = s->o->g;
    (void)worker;
    for (size_t i = first; i < last; i++) {
        size_t begin = g->dense + i * PIECE, left = g->slab_count - begin;
        average_range(s, begin, begin + (left < PIECE ? left : PIECE));
    }
}

/* What the average keeps of itself in step t: nothing in the first, and little in the
 * next ones, so that it does not remember for long where training began. */
static double average_keep(const weft_optimizer *o)
{
    double t = (double)o->steps, young = (t - 1) / (t + 8);
    return young < o->opts.ema ? young : o->opts.ema;
}

static weft_status check_step(const weft_optimizer *o, double lr)
{
    if (!(lr >= 0) || isinf(lr))
        return weft__fail(WEFT_EUSAGE, "%s: the learning rate is %g", o->rule->name, lr);
    if (o->swapped)
        return weft__fail(WEFT_EUSAGE,
                          "%s: the averaged parameters stand in place of the "
                          "trained ones; swap them back first",
                          o->rule->name);
    return WEFT_OK;
}

/* Counts the step that is being done. */
static step begin_step(weft_optimizer *o, double lr)
{
    o->steps++;
    o->power[0] = pow(o->opts.beta1, (double)o->steps);
    o->power[1] = pow(o->opts.beta2, (double)o->steps);
    return (step){.o = o, .lr = lr, .scale = 1, .keep = average_keep(o)};
}

static void end_step(step *s)
{
    weft_graph *g = s->o->g;
    if (s->o->average)
        weft__parallel((g->slab_count - g->dense + PIECE - 1) / PIECE, 1, average_sparse,
                       s);
    g->version++;
}

weft_status weft_optimizer_step(weft_optimizer *o, double lr)
{
    double most = o->opts.clip_norm;
    weft_status status = check_step(o, lr);
    if (status) return status;
    size_t all = dense_pieces(o) + groups(o->g);
    weft__parallel(all, SHARE, norms, o);
    double norm = whole_norm(o);
    if (!isfinite(norm)) return not_finite(o->g);
    o->norm = norm;
    step s = begin_step(o, lr);
    if (most > 0 && most / (norm + 1e-6) < 1) s.scale = most / (norm + 1e-6);
    weft__parallel(all, SHARE, update_all, &s);
    end_step(&s);
    return WEFT_OK;
}

/* ---- the step in the backward pass ---- */

typedef struct early {
    step step;
    size_t base; /* the first of the pieces at hand */
    bool broken; /* a gradient is not finite */
} early;

static void early_pieces(void *arg, size_t first, size_t last, int worker)
{
    const early *e = arg;
    weft_optimizer *o = e->step.o;
    (void)worker;
    for (size_t i = e->base + first; i < e->base + last; i++) {
        o->part[i] = piece_part(o, i);
        if (isfinite(o->part[i])) update_piece(&e->step, i);
    }
}

static void early_groups(void *arg, size_t first, size_t last, int worker)
{
    const early *e = arg;
    weft_optimizer *o = e->step.o;
    (void)worker;
    for (size_t i = first; i < last; i++) {
        group rows = group_at(o->g, i);
        double *part = &o->part[dense_pieces(o) + i];
        *part = group_norm(o, &rows);
        if (isfinite(*part)) update_group(&e->step, i);
    }
}

static void update_early(early *e, int i)
{
    weft_optimizer *o = e->step.o;
    size_t n = o->first[i + 1] - o->first[i];
    if (o->updated[i] || e->broken) return;
    o->updated[i] = true;
    e->base = o->first[i];
    weft__parallel(n, SHARE, early_pieces, e);
    for (size_t k = 0; k < n; k++) e->broken |= !isfinite(o->part[e->base + k]);
}

static void when_done(void *user, int value)
{
    early *e = user;
    int i = e->step.o->number[value];
    if (i >= 0) update_early(e, i);
}

weft_status weft_optimizer_backward_step(weft_plan *p, weft_optimizer *o, double lr)
{
    weft_status status = check_step(o, lr);
    if (!status && p->g != o->g)
        status =
            weft__fail(WEFT_EUSAGE, "%s: the plan is of another graph", o->rule->name);
    if (status) return status;
    if (o->opts.clip_norm > 0 || p->opts.accumulate) {
        status = weft_plan_backward(p);
        return status ? status : weft_optimizer_step(o, lr);
    }
    for (int i = 0; i < o->g->trainable; i++) o->updated[i] = false;
    early e = {.step = begin_step(o, lr)};
    status = weft__plan_backward(p, &(weft__done){when_done, &e});
    for (int i = 0; i < o->g->trainable && !status; i++) update_early(&e, i);
    if (!status && !e.broken) weft__parallel(groups(o->g), 1, early_groups, &e);
    double norm = status || e.broken ? NAN : whole_norm(o);
    if (!status && !isfinite(norm)) status = not_finite(o->g);
    if (status) {
        o->steps--;
        return status;
    }
    o->norm = norm;
    end_step(&e.step);
    return WEFT_OK;
}

double weft_optimizer_gradient_norm(const weft_optimizer *o)
{
    return o->norm;
}

int64_t weft_optimizer_steps(const weft_optimizer *o)
{
    return o->steps;
}

void weft_optimizer_swap_ema(weft_optimizer *o)
{
    if (!o->average || (!o->steps && !o->swapped)) return;
    float *slab = o->g->slab;
    for (size_t i = 0; i < o->g->slab_count; i++) {
        float swap = slab[i];
        slab[i] = o->average[i];
        o->average[i] = swap;
    }
    o->swapped = !o->swapped;
    o->g->version++;
}
