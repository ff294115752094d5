/* confusion.c: a confusion matrix as a heat map, readable from 2 classes to 1000. */
#include "report/plot/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    COUNTED = 12, /* up to so many classes a field shows count and share */
    WRITTEN = 32, /* up to so many it shows the count */
    DRAWN = 120,  /* beyond, a field stands for several classes */
    LEVELS = 24,  /* of colour */
    LONGEST = 18  /* letters of a name */
};

typedef struct layout {
    int n, step; /* fields each way; classes in one */
    double cell, left, top;
    double letter; /* size of the classes' names */
    bool upright;  /* names above stand on end */
} layout;

int weft__confusion_step(const weft__confusion *m)
{
    return m->classes > DRAWN ? (m->classes + DRAWN - 21) / (DRAWN - 20) : 1;
}

const char *weft__class_title(const weft__confusion *m, int c, char text[16])
{
    if (m->name && m->name[c]) return m->name[c];
    snprintf(text, 16, "%d", c);
    return text;
}

static layout layout_of(const weft__confusion *m)
{
    layout l = {.step = weft__confusion_step(m)};
    double widest = 20;
    l.n = (m->classes + l.step - 1) / l.step;
    l.cell = l.n <= 2 ? 120 : l.n <= 5 ? 88 : l.n <= COUNTED ? 62 : l.n <= 20 ? 40 : 28;
    if (l.n > WRITTEN) l.cell = fmax(8.5, 900.0 / l.n);
    l.letter = l.n <= WRITTEN ? 12 : fmin(11, l.cell * 0.92);
    l.upright = l.n > COUNTED;
    for (int i = 0; i < l.n; i++) {
        char text[16];
        const char *name = l.step > 1 ? "000\xe2\x80\x93"
                                        "000"
                                      : weft__class_title(m, i, text);
        widest = fmax(widest, weft__label_width(name, l.letter, LONGEST));
    }
    l.left = widest + 34;
    l.top = widest * (l.upright ? 1 : 0.72) + 40;
    return l;
}

void weft__confusion_size(const weft__confusion *m, double *w, double *h)
{
    layout l = layout_of(m);
    *w = l.left + l.n * l.cell + (l.upright ? 12 : 0.5 * l.left + 8);
    *h = l.top + l.n * l.cell + 52;
    if (*w < 420) *w = 420;
}

/* The sum of the counts that field (i, j) stands for, and of its whole row. */
static double field(const weft__confusion *m, const layout *l, int i, int j)
{
    double sum = 0;
    for (int t = i * l->step; t < (i + 1) * l->step && t < m->classes; t++)
        for (int p = j * l->step; p < (j + 1) * l->step && p < m->classes; p++) {
            int64_t n = m->count[(size_t)t * (size_t)m->classes + (size_t)p];
            if (n > 0) sum += (double)n;
        }
    return sum;
}

/* Right answers fill in proportion; mistakes by the root, since one in a hundred must
 * show. */
static int level_of(double share, bool right)
{
    double strength = right ? share : sqrt(share);
    int level = (int)lround(strength * (LEVELS - 1));
    return share > 0 && level < 1 ? 1 : level > LEVELS - 1 ? LEVELS - 1 : level;
}

static double opacity_of(int level)
{
    return 0.06 + 0.94 * level / (LEVELS - 1);
}

static void short_count(char text[24], double n)
{
    if (n < 10000)
        snprintf(text, 24, "%.0f", n);
    else if (n < 1e6)
        snprintf(text, 24, "%.0fk", n / 1e3);
    else
        snprintf(text, 24, "%.3gM", n / 1e6);
}

static void write_field(weft__canvas *c, const layout *l, double x, double y, double n,
                        double share, int level)
{
    char text[24];
    double middle = x + l->cell / 2;
    weft__ink ink = opacity_of(level) > 0.55 ? WEFT_INK_PAPER : WEFT_INK_TEXT;
    bool both = l->n <= COUNTED;
    double size = l->n <= 2 ? 18 : l->n <= 5 ? 15 : both ? 13 : l->n <= 20 ? 11.5 : 9;
    short_count(text, n);
    c->label(c->to, middle, y + l->cell / 2 + (both ? -1 : size * 0.35), text,
             (weft__label){.size = size, .anchor = 0, .ink = ink, .bold = both});
    if (!both) return;
    snprintf(text, sizeof text, share < 0.0995 ? "%.1f %%" : "%.0f %%", 100 * share);
    c->label(c->to, middle, y + l->cell / 2 + size, text,
             (weft__label){.size = size * 0.8, .anchor = 0, .ink = ink});
}

static void add_tip(weft__canvas *c, const weft__confusion *m, const layout *l, int i,
                    int j, double n, double share)
{
    char a[16], b[16];
    weft__text t = {0};
    weft__text_visible(&t, weft__class_title(m, i, a), 60);
    weft__text_add(&t, " \xe2\x86\x92 ");
    weft__text_visible(&t, weft__class_title(m, j, b), 60);
    weft__text_printf(&t, ": %.0f (%.1f %%)", n, 100 * share);
    if (t.data && !t.failed)
        c->tip(c->to, l->left + j * l->cell, l->top + i * l->cell, l->cell, l->cell,
               t.data);
    weft__text_free(&t);
}

/* Adds the fields of row i to the lists of their colours. */
static void gather_row(const weft__confusion *m, const layout *l, int i, double *row,
                       double **xy, int *used)
{
    double sum = 0;
    for (int j = 0; j < l->n; j++) sum += row[j] = field(m, l, i, j);
    for (int j = 0; j < l->n; j++) {
        double x = l->left + j * l->cell, y = l->top + i * l->cell;
        double share = sum > 0 ? row[j] / sum : 0;
        int k = (i == j ? LEVELS : 0) + level_of(share, i == j);
        if (!(row[j] > 0)) continue;
        xy[k][2 * used[k]] = x;
        xy[k][2 * used[k]++ + 1] = y;
    }
}

static void draw_letters(weft__canvas *c, const weft__confusion *m, const layout *l,
                         int i)
{
    double row[WRITTEN], sum = 0;
    for (int j = 0; j < l->n; j++) sum += row[j] = field(m, l, i, j);
    for (int j = 0; j < l->n; j++) {
        if (!(row[j] > 0)) continue;
        double share = row[j] / sum;
        write_field(c, l, l->left + j * l->cell, l->top + i * l->cell, row[j], share,
                    level_of(share, i == j));
        if (c->tip) add_tip(c, m, l, i, j, row[j], share);
    }
}

static void draw_fields(weft__canvas *c, const weft__confusion *m, const layout *l)
{
    size_t n = (size_t)l->n;
    double *row = malloc(n * sizeof *row), *xy[2 * LEVELS] = {0};
    int used[2 * LEVELS] = {0};
    double gap = l->n <= WRITTEN ? 1.5 : 0.4;
    bool ok = row != NULL;
    for (int k = 0; k < 2 * LEVELS && ok; k++) {
        size_t most = k < LEVELS ? n * n : n;
        ok = (xy[k] = malloc(2 * most * sizeof *xy[k])) != NULL;
    }
    for (int i = 0; i < l->n && ok; i++) gather_row(m, l, i, row, xy, used);
    for (int k = 0; k < 2 * LEVELS && ok; k++)
        c->boxes(c->to, xy[k], used[k], l->cell - gap, l->cell - gap,
                 (weft__pen){.ink = k < LEVELS ? WEFT_INK_WRONG : WEFT_INK_RIGHT,
                             .opacity = opacity_of(k % LEVELS)});
    for (int k = 0; k < 2 * LEVELS; k++) free(xy[k]);
    free(row);
    for (int i = 0; i < l->n && l->n <= WRITTEN; i++) draw_letters(c, m, l, i);
}

static void draw_names(weft__canvas *c, const weft__confusion *m, const layout *l)
{
    weft__label how = {.size = l->letter, .ink = WEFT_INK_TEXT, .letters = LONGEST};
    for (int i = 0; i < l->n; i++) {
        char text[16], span[32];
        const char *name = weft__class_title(m, i * l->step, text);
        double middle = (i + 0.5) * l->cell;
        if (l->step > 1) {
            int last = (i + 1) * l->step - 1;
            snprintf(span, sizeof span, "%d\xe2\x80\x93%d", i * l->step,
                     last < m->classes ? last : m->classes - 1);
            name = span;
        }
        how.anchor = 1;
        how.angle = 0;
        c->label(c->to, l->left - 8, l->top + middle + l->letter * 0.35, name, how);
        how.anchor = -1;
        how.angle = l->upright ? -90 : -40;
        c->label(c->to, l->left + middle + (l->upright ? l->letter * 0.35 : -4),
                 l->top - 8, name, how);
    }
}

static void draw_legend(weft__canvas *c, const layout *l, double x, double y)
{
    static const double share[] = {0.01, 0.1, 0.3, 0.6, 1};
    weft__label how = {.size = 11.5, .anchor = -1, .ink = WEFT_INK_MUTED};
    (void)l;
    for (int right = 1; right >= 0; right--) {
        c->label(c->to, x, y + 11, right ? "right" : "wrong", how);
        for (int i = 0; i < 5; i++) {
            char text[16];
            double at = x + 42 + 30 * i;
            c->boxes(c->to, (double[]){at, y}, 1, 28, 14,
                     (weft__pen){.ink = right ? WEFT_INK_RIGHT : WEFT_INK_WRONG,
                                 .opacity = opacity_of(level_of(share[i], right))});
            snprintf(text, sizeof text, "%.0f%%", 100 * share[i]);
            how.anchor = 0;
            how.size = 10;
            c->label(c->to, at + 14, y + 26, text, how);
        }
        how.anchor = -1;
        how.size = 11.5;
        x += 215;
    }
}

void weft__draw_confusion(weft__canvas *c, const weft__confusion *m)
{
    layout l = layout_of(m);
    double side = l.n * l.cell;
    weft__label how = {.size = 12, .anchor = 0, .ink = WEFT_INK_MUTED};
    c->boxes(c->to, (double[]){l.left, l.top}, 1, side, side,
             (weft__pen){.ink = WEFT_INK_GRID, .opacity = 0.35});
    draw_fields(c, m, &l);
    draw_names(c, m, &l);
    c->label(c->to, l.left + side / 2, 14, "predicted", how);
    how.angle = -90;
    c->label(c->to, 14, l.top + side / 2, "true class", how);
    draw_legend(c, &l, l.left > 380 ? l.left - 200 : fmin(l.left, 8), l.top + side + 18);
}

/* ---- the commonest mistakes ---- */

int weft__mix_ups(const weft__confusion *m, weft__mix_up *out, int room)
{
    int found = 0;
    for (int t = 0; t < m->classes; t++) {
        const int64_t *row = m->count + (size_t)t * (size_t)m->classes;
        double sum = 0;
        for (int p = 0; p < m->classes; p++) sum += row[p] > 0 ? (double)row[p] : 0;
        for (int p = 0; p < m->classes; p++) {
            if (p == t || row[p] <= 0 ||
                (found == room && row[p] <= out[found - 1].count))
                continue;
            int at = found < room ? found++ : found - 1;
            for (; at > 0 && out[at - 1].count < row[p]; at--) out[at] = out[at - 1];
            out[at] = (weft__mix_up){t, p, row[p], (double)row[p] / sum};
        }
    }
    return found;
}
