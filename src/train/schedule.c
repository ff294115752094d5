/* schedule.c: learning rates over time. A schedule is a function and a table row. */
#include "weft/train.h"

#include "base/error.h"
#include "base/nearest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

enum { MILESTONES = 16 };

/* Part of the run after the warm-up that is over, 0 to 1. */
static double progress(const weft_schedule *s, double epoch, double epochs)
{
    double whole = epochs - s->warmup, done = epoch - s->warmup;
    if (done <= 0) return 0;
    return whole <= done ? 1 : done / whole;
}

/* Completed epochs; what sums of fractions leave below a whole number counts as that
 * number. */
static double completed(double epoch)
{
    return floor(epoch + 1e-9);
}

static double or_else(double x, double otherwise)
{
    return x != 0 ? x : otherwise;
}

/* From a to b along half a cosine wave, as `part` goes from 0 to 1. */
static double wave(double a, double b, double part)
{
    return b + (a - b) * (1 + cos(PI * part)) / 2;
}

/* ---- the schedules: the rate as a part of lr ---- */

static double constant(const weft_schedule *s, double epoch, double epochs, double factor)
{
    (void)s, (void)epoch, (void)epochs, (void)factor;
    return 1;
}

/* gamma ^ floor(epoch / step) */
static double step(const weft_schedule *s, double epoch, double epochs, double factor)
{
    (void)epochs, (void)factor;
    return pow(or_else(s->gamma, 0.1), floor(epoch / or_else(s->step, 30) + 1e-9));
}

/* gamma ^ (milestones that were reached) */
static double multistep(const weft_schedule *s, double epoch, double epochs,
                        double factor)
{
    int reached = 0;
    (void)epochs, (void)factor;
    while (reached < MILESTONES && s->milestones[reached] > 0 &&
           s->milestones[reached] <= epoch + 1e-9)
        reached++;
    return pow(or_else(s->gamma, 0.1), reached);
}

/* gamma ^ (epochs after the warm-up) */
static double exponential(const weft_schedule *s, double epoch, double epochs,
                          double factor)
{
    (void)epochs, (void)factor;
    return pow(or_else(s->gamma, 0.95), fmax(completed(epoch - s->warmup), 0));
}

static double cosine(const weft_schedule *s, double epoch, double epochs, double factor)
{
    (void)factor;
    return wave(1, s->final, progress(s, epoch, epochs));
}

/* Half a wave from start up to 1, and another one down to start * final. */
static double onecycle(const weft_schedule *s, double epoch, double epochs, double factor)
{
    double start = or_else(s->start, 1.0 / 25), peak = or_else(s->peak_at, 0.3);
    double part = progress(s, epoch, epochs);
    (void)factor;
    if (part < peak) return wave(start, 1, part / peak);
    return wave(1, start * or_else(s->final, 1e-4), (part - peak) / (1 - peak));
}

/* The training loop watches the validation score and hands the reductions in. */
static double plateau(const weft_schedule *s, double epoch, double epochs, double factor)
{
    (void)s, (void)epoch, (void)epochs;
    return factor;
}

typedef double part_fn(const weft_schedule *s, double epoch, double epochs,
                       double factor);

static const struct row {
    const char *name;
    part_fn *part;
} table[] = {
    {"constant", constant},       {"step", step},     {"multistep", multistep},
    {"exponential", exponential}, {"cosine", cosine}, {"onecycle", onecycle},
    {"plateau", plateau},
};
enum { COUNT = sizeof table / sizeof *table };

int weft_schedule_total(void)
{
    return COUNT;
}

const char *weft_schedule_name(int i)
{
    return i >= 0 && i < COUNT ? table[i].name : NULL;
}

/* NULL when there is none. A schedule without a name is constant. */
static const struct row *row_of(const weft_schedule *s)
{
    if (!s->name) return table;
    for (int i = 0; i < COUNT; i++)
        if (!strcmp(table[i].name, s->name)) return &table[i];
    return NULL;
}

double weft_schedule_rate(const weft_schedule *s, double lr, double epoch, double epochs,
                          double factor)
{
    const struct row *row = row_of(s);
    double part = row ? row->part(s, epoch, epochs, factor) : 1;
    if (epoch < s->warmup) {
        double start = or_else(s->warmup_start, 0.01);
        part *= start + (1 - start) * (epoch > 0 ? epoch / s->warmup : 0);
    }
    return lr * part;
}

/* ---- are the numbers usable? ---- */

static weft_status unknown_name(const char *name)
{
    const char *names[COUNT];
    char list[256] = "";
    size_t used = 0;
    for (int i = 0; i < COUNT; i++) {
        names[i] = table[i].name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     i ? ", " : "", names[i]);
    }
    const char *near = weft__nearest(name, names, COUNT);
    if (near)
        return weft__fail(WEFT_EUSAGE,
                          "schedule \"%.64s\" is unknown; did you mean \"%s\"?", name,
                          near);
    return weft__fail(WEFT_EUSAGE, "schedule \"%.64s\" is unknown (there are %s)", name,
                      list);
}

static weft_status range(const char *schedule, const char *option, double x, double low,
                         double high)
{
    if (x >= low && x <= high) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "schedule %s: %s is %g; allowed are %g to %g",
                      schedule, option, x, low, high);
}

static weft_status check_milestones(const weft_schedule *s)
{
    if (!(s->milestones[0] > 0))
        return weft__fail(WEFT_EUSAGE,
                          "schedule multistep: needs milestones above 0: the epochs "
                          "after which the rate falls");
    for (int i = 1; i < MILESTONES && s->milestones[i] != 0; i++)
        if (!(s->milestones[i] > s->milestones[i - 1]) || isinf(s->milestones[i]))
            return weft__fail(
                WEFT_EUSAGE,
                "schedule multistep: milestone %d is %g, after %g; they must "
                "increase",
                i + 1, s->milestones[i], s->milestones[i - 1]);
    return WEFT_OK;
}

weft_status weft_schedule_check(const weft_schedule *s)
{
    const double most = 1e6; /* epochs */
    const struct row *row = row_of(s);
    if (!row) return unknown_name(s->name);
    weft_status status = range(row->name, "warmup", s->warmup, 0, most);
    if (!status) status = range(row->name, "warmup_start", s->warmup_start, 0, 1);
    if (!status) status = range(row->name, "gamma", s->gamma, 0, 10);
    if (!status) status = range(row->name, "step", s->step, 0, most);
    if (!status) status = range(row->name, "final", s->final, 0, 1);
    if (!status) status = range(row->name, "peak_at", s->peak_at, 0, 0.999);
    if (!status) status = range(row->name, "start", s->start, 0, 1);
    if (!status) status = range(row->name, "patience", s->patience, 0, most);
    if (!status && row->part == multistep) status = check_milestones(s);
    if (!status && row->part == plateau && s->gamma > 1)
        status =
            weft__fail(WEFT_EUSAGE,
                       "schedule plateau: gamma is %g; a reduction is below 1", s->gamma);
    if (!status && row->part == onecycle && s->warmup > 0)
        status = weft__fail(WEFT_EUSAGE,
                            "schedule onecycle: it rises by itself; no warm-up "
                            "can be added (found %g epochs)",
                            s->warmup);
    return status;
}
