/* table.c: tables on a terminal, aligned by the columns that letters really take. */
#include "report/table.h"

#include "base/width.h"
#include "report/plot/chart.h"
#include "report/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 40, MATRIX = 20, NAMES = 14, MIX_UPS = 20 };

static void spaces(weft__text *t, int n)
{
    for (; n > 0; n--) weft__text_add(t, " ");
}

/* Adds a cell to t, or with t NULL only measures it; returns the columns it takes. */
static int write_cell(weft__text *t, const weft__column *column, const char *cell,
                      int width)
{
    int most = column->most > 0 ? column->most : MOST, taken = 0;
    weft__text v = {0};
    weft__text_visible(&v, cell, 0);
    const char *text = v.data ? v.data : "";
    size_t bytes = weft__text_fit(text, most, &taken);
    bool cut = text[bytes] != 0;
    if (cut) bytes = weft__text_fit(text, most - 1, &taken);
    taken += cut;
    if (t) {
        if (column->right) spaces(t, width - taken);
        weft__text_bytes(t, text, bytes);
        if (cut) weft__text_add(t, "\xe2\x80\xa6");
        if (!column->right) spaces(t, width - taken);
        t->failed = t->failed || v.failed;
    }
    weft__text_free(&v);
    return taken;
}

static bool is_rule(const char *const *row)
{
    return !row[0];
}

static void trim(weft__text *t)
{
    while (t->used && t->data[t->used - 1] == ' ') t->data[--t->used] = 0;
}

static void rule(weft__text *t, const int *width, int columns)
{
    for (int c = 0; c < columns; c++)
        for (int i = 0; i < width[c] + (c ? 2 : 0); i++)
            weft__text_add(t, "\xe2\x94\x80");
    weft__text_add(t, "\n");
}

char *weft__table(const weft__column *column, int columns, const char *const *cell,
                  int rows)
{
    weft__text t = {0};
    int *width = columns > 0 ? calloc((size_t)columns, sizeof *width) : NULL;
    if (!width) return NULL;
    for (int r = -1; r < rows; r++) {
        const char *const *row = r < 0 ? cell : cell + (size_t)r * (size_t)columns;
        if (r >= 0 && is_rule(row)) continue;
        for (int c = 0; c < columns; c++) {
            int w = write_cell(NULL, &column[c], r < 0 ? column[c].title : row[c], 0);
            if (w > width[c]) width[c] = w;
        }
    }
    for (int r = -1; r < rows; r++) {
        const char *const *row = r < 0 ? cell : cell + (size_t)r * (size_t)columns;
        if (r >= 0 && is_rule(row)) {
            rule(&t, width, columns);
            continue;
        }
        for (int c = 0; c < columns; c++) {
            if (c) spaces(&t, 2);
            write_cell(&t, &column[c], r < 0 ? column[c].title : row[c], width[c]);
        }
        trim(&t);
        weft__text_add(&t, "\n");
        if (r < 0) rule(&t, width, columns);
    }
    free(width);
    if (t.failed) weft__text_free(&t);
    return t.data;
}

/* ---- confusion ---- */

static char *mix_up_table(const weft__confusion *m)
{
    static const weft__column column[] = {{"true class", false, 0},
                                          {"predicted", false, 0},
                                          {"samples", true, 0},
                                          {"share", true, 0}};
    weft__mix_up pair[MIX_UPS];
    char text[MIX_UPS][4][32];
    const char *cell[MIX_UPS * 4];
    int n = weft__mix_ups(m, pair, MIX_UPS);
    for (int i = 0; i < n; i++) {
        cell[4 * i] = weft__class_title(m, pair[i].truth, text[i][0]);
        cell[4 * i + 1] = weft__class_title(m, pair[i].predicted, text[i][1]);
        snprintf(text[i][2], sizeof text[i][2], "%lld", (long long)pair[i].count);
        snprintf(text[i][3], sizeof text[i][3], "%.1f %%", 100 * pair[i].share);
        cell[4 * i + 2] = text[i][2];
        cell[4 * i + 3] = text[i][3];
    }
    return weft__table(column, 4, cell, n);
}

char *weft__confusion_text(const weft__confusion *m)
{
    int n = m->classes;
    weft__column column[MATRIX + 1] = {{"true \\ predicted", false, 24}};
    char title[MATRIX][16], count[MATRIX][MATRIX][24];
    const char *cell[MATRIX * (MATRIX + 1)];
    if (n > MATRIX) return mix_up_table(m);
    for (int t = 0; t < n; t++) {
        const char *name = weft__class_title(m, t, title[t]);
        column[t + 1] = (weft__column){name, true, NAMES};
        cell[t * (n + 1)] = name;
        for (int p = 0; p < n; p++) {
            long long k = (long long)m->count[t * n + p];
            snprintf(count[t][p], sizeof count[t][p], "%lld", k);
            cell[t * (n + 1) + p + 1] = k ? count[t][p] : "\xc2\xb7";
        }
    }
    return weft__table(column, n + 1, cell, n);
}
