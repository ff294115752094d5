/* optimizer.c: one update of all parameters: norm of the gradient, clipping, rule,
 * average. */
#include "train/optimizer.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/thread.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Elements that are worked on at a time. Part of the results' bits (the norm adds up by
 * pieces), so not to depend on the number of threads. A multiple of every vector's width.
 */
enum { PIECE = 1 << 14 };
/* Rows of a sparse parameter that are worked on at a time, likewise. */
enum { ROWS = 64 };
/* Pieces that are worth waking another thread for. */
enum { SHARE = 4 };

#define OPTIMIZER(name) extern const weft__rule weft__rule_##name;
#include "train/table.def"
#undef OPTIMIZER

static const weft__rule *const table[] = {
#define OPTIMIZER(name) &weft__rule_##name,
#include "train/table.def"
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

/* The slab is cut at `decayed`, so that a piece has one decay, and then every PIECE
 * elements. */
static size_t pieces_of(size_t count)
{
    return (count + PIECE - 1) / PIECE;
}

static size_t dense_pieces(const weft_graph *g)
{
    return pieces_of(g->decayed) + pieces_of(g->dense - g->decayed);
}

/* Groups of `rows` rows of sparse parameters. */
static size_t groups_of(int rows)
{
    return ((size_t)rows + ROWS - 1) / ROWS;
}

/* Of all that were touched in this step. */
static size_t pieces(const weft_graph *g)
{
    size_t n = dense_pieces(g);
    for (int i = 0; i < g->trainable; i++) {
        const weft__touched *t = g->value[g->param[i]].touched;
        if (t) n += groups_of(t->count);
    }
    return n;
}

/* The most there can be. */
static size_t pieces_most(const weft_graph *g)
{
    size_t n = dense_pieces(g);
    for (int i = 0; i < g->trainable; i++) {
        const weft__touched *t = g->value[g->param[i]].touched;
        if (t) n += groups_of(t->rows);
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

/* Piece i, which lies behind the dense ones. */
static group group_at(const weft_graph *g, size_t i)
{
    i -= dense_pieces(g);
    for (int k = 0; k < g->trainable; k++) {
        const weft__value *v = &g->value[g->param[k]];
        const weft__touched *t = v->touched;
        size_t here = t ? groups_of(t->count) : 0;
        if (i >= here) {
            i -= here;
            continue;
        }
        int first = (int)i * ROWS, left = t->count - first;
        return (group){.row = t->row + first,
                       .count = left < ROWS ? left : ROWS,
                       .at = (size_t)((const float *)v->data - (const float *)g->slab),
                       .wide = t->wide,
                       .decays = !v->no_decay};
    }
    return (group){.count = 0};
}

/* Where piece i lies; true when its elements take weight decay. */
static bool piece_at(const weft_graph *g, size_t i, size_t *begin, size_t *end)
{
    size_t first = pieces_of(g->decayed);
    bool decays = i < first;
    size_t limit = decays ? g->decayed : g->dense;
    *begin = decays ? i * PIECE : g->decayed + (i - first) * PIECE;
    *end = limit - *begin < PIECE ? limit : *begin + PIECE;
    return decays;
}

static weft_status allocate(weft_optimizer *o)
{
    size_t count = o->g->slab_count ? o->g->slab_count : 1;
    unsigned used = o->rule->moments(&o->opts);
    bool whole = (o->part = weft__alloc(pieces_most(o->g) + 1, sizeof *o->part)) != NULL;
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
    if (!s) s = weft__graph_settle(g);
    if (!s) s = weft__gradients_settle(g);
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

static void norms(void *arg, size_t first, size_t last, int worker)
{
    weft_optimizer *o = arg;
    const size_t dense = dense_pieces(o->g);
    (void)worker;
    for (size_t i = first; i < last; i++) {
        size_t begin, end;
        if (i >= dense) {
            group rows = group_at(o->g, i);
            o->part[i] = group_norm(o, &rows);
            continue;
        }
        piece_at(o->g, i, &begin, &end);
        o->part[i] = piece_norm((const float *)o->g->gradients + begin, end - begin,
                                o->opts.clip_norm_type);
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

static double gradient_norm(weft_optimizer *o)
{
    double type = o->opts.clip_norm_type;
    size_t n = pieces(o->g);
    weft__parallel(n, SHARE, norms, o);
    double all = gather(o->part, n, isinf(type));
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

static void update_pieces(void *arg, size_t first, size_t last, int worker)
{
    const step *s = arg;
    weft_optimizer *o = s->o;
    const size_t dense = dense_pieces(o->g);
    (void)worker;
    for (size_t i = first; i < last; i++) {
        size_t begin, end;
        if (i < dense) {
            bool decays = piece_at(o->g, i, &begin, &end);
            update_range(s, begin, end, decays);
            if (o->average) average_range(s, begin, end);
            continue;
        }
        group rows = group_at(o->g, i);
        for (int k = 0; k < rows.count; k++) {
            begin = rows.at + (size_t)rows.row[k] * rows.wide;
            update_range(s, begin, begin + rows.wide, rows.decays);
        }
    }
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

weft_status weft_step(weft_optimizer *o, double lr)
{
    double most = o->opts.clip_norm;
    if (!(lr >= 0) || isinf(lr))
        return weft__fail(WEFT_EUSAGE, "%s: the learning rate is %g", o->rule->name, lr);
    if (o->swapped)
        return weft__fail(WEFT_EUSAGE,
                          "%s: the averaged parameters stand in place of the "
                          "trained ones; swap them back first",
                          o->rule->name);
    double norm = gradient_norm(o);
    if (!isfinite(norm)) return not_finite(o->g);
    o->norm = norm;
    o->steps++;
    step s = {.o = o, .lr = lr, .scale = 1, .keep = average_keep(o)};
    if (most > 0 && most / (norm + 1e-6) < 1) s.scale = most / (norm + 1e-6);
    o->power[0] = pow(o->opts.beta1, (double)o->steps);
    o->power[1] = pow(o->opts.beta2, (double)o->steps);
    weft__parallel(pieces(o->g), SHARE, update_pieces, &s);
    if (o->average)
        weft__parallel(pieces_of(o->g->slab_count - o->g->dense), 1, average_sparse, &s);
    o->g->version++;
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
        float kept = slab[i];
        slab[i] = o->average[i];
        o->average[i] = kept;
    }
    o->swapped = !o->swapped;
    o->g->version++;
}
