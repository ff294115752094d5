/* sections_text.c: the sections that a report of texts has besides. */
#include "report/plot/chart.h"
#include "report/html/page.h"

#include <math.h>
#include <stdio.h>

enum {
    QUOTES = 48,
    LETTERS = 400,
    NAME = 80,
    COMPARED = 8,
    CHARTS = 8,
    PARAGRAPH = 2000
};

static int at_most(int n, int most)
{
    return n < 0 ? 0 : n < most ? n : most;
}

/* ---- mistakes ---- */

static void answer(weft__text *t, const char *verb, const char *class, const char *name,
                   double p)
{
    weft__text_printf(t, "%s <b%s>", verb, class);
    weft__text_escaped(t, name, NAME);
    weft__text_add(t, "</b>");
    weft__probability(t, p);
}

static void quote(weft__text *t, const weft__text_error *q)
{
    weft__text_add(t, "<figure class=\"quote\"><blockquote>");
    weft__text_escaped(t, q->text, LETTERS);
    weft__text_add(t, "</blockquote><figcaption>");
    answer(t, "said", " class=\"wrong\"", q->predicted, q->probability);
    answer(t, ", is", "", q->truth, q->truth_probability);
    if (q->remark) {
        weft__text_add(t, " \xc2\xb7 ");
        weft__text_escaped(t, q->remark, NAME);
    }
    if (q->name) {
        weft__text_add(t, "<span class=\"file\">");
        weft__text_escaped(t, q->name, NAME);
        weft__text_add(t, "</span>");
    }
    weft__text_add(t, "</figcaption></figure>\n");
}

void weft__section_quotes(weft__text *t, const weft__report *r)
{
    if (r->text_errors <= 0) return;
    weft__mistakes_begin(t, r);
    weft__text_add(t, "<div class=\"quotes\">\n");
    for (int i = 0; i < at_most(r->text_errors, QUOTES); i++) quote(t, &r->text_error[i]);
    weft__text_add(t, "</div>\n");
    weft__left_out(t, at_most(r->text_errors, QUOTES), r->text_errors, "texts are");
    weft__section_end(t);
}

/* ---- beside other models ---- */

static void score_cell(weft__text *t, double x, bool plain)
{
    if (isfinite(x) && plain)
        weft__text_printf(t, "<td class=\"n\">%.4f</td>", x);
    else if (isfinite(x))
        weft__text_printf(t, "<td class=\"n\">%.2f\xe2\x80\xaf%%</td>", 100 * x);
    else
        weft__text_add(t, "<td class=\"n\">\xe2\x80\x93</td>");
}

static void compared_row(weft__text *t, const weft__compared *v, bool plain)
{
    weft__text_add(t, "<tr><th scope=\"row\">");
    weft__text_escaped(t, v->name, NAME);
    weft__text_add(t, "</th>");
    score_cell(t, v->val, plain);
    score_cell(t, v->test, plain);
    weft__text_add(t, "<td class=\"n\">");
    weft__text_count(t, v->params);
    weft__text_printf(t, "</td><td class=\"n\">%.1f\xe2\x80\xafs</td></tr>\n",
                      isfinite(v->seconds) ? v->seconds : 0);
}

static void rival_bars(weft__text *t, const weft__report *r, int n, int *id)
{
    const char *name[COMPARED];
    double value[COMPARED];
    bool test = isfinite(r->compared[0].test);
    char title[120];
    snprintf(title, sizeof title, "%s %.60s%s", test ? "Test" : "Validation",
             r->compared_score ? r->compared_score : "accuracy",
             r->compared_plain ? "" : ", percent");
    for (int i = 0; i < n; i++) {
        double x = test ? r->compared[i].test : r->compared[i].val;
        name[i] = r->compared[i].name;
        value[i] = r->compared_plain ? round(1e4 * x) / 1e4 : round(1e4 * x) / 100;
    }
    weft__text_add(t, "<figure class=\"panel\">");
    weft__canvas c = weft__svg_begin(t, 520, weft__bars_height(n), ++*id, title,
                                     "Bars; the table beside them has the numbers.");
    weft__draw_bars(&c, title, name, value, n, 0, 0, 520);
    weft__svg_end(&c);
    weft__text_add(t, "</figure>\n");
}

void weft__section_rivals(weft__text *t, const weft__report *r, int *id)
{
    int n = at_most(r->compared_models, COMPARED);
    if (n < 2) return;
    weft__section_begin(t, "beside", "Beside a simple model");
    weft__text_add(
        t, "<p class=\"note\">A network is worth its time where it is better than a "
           "simple model of the same data.</p>\n"
           "<div class=\"grid\">\n<div class=\"panel scroll\"><table><thead><tr>"
           "<th scope=\"col\">Model</th><th scope=\"col\" class=\"n\">Validation</th>"
           "<th scope=\"col\" class=\"n\">Test</th>"
           "<th scope=\"col\" class=\"n\">Parameters</th>"
           "<th scope=\"col\" class=\"n\">Training</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < n; i++) compared_row(t, &r->compared[i], r->compared_plain);
    weft__text_add(t, "</tbody></table></div>\n");
    rival_bars(t, r, n, id);
    weft__text_add(t, "</div>\n");
    weft__section_end(t);
}

/* ---- the data ---- */

void weft__section_data(weft__text *t, const weft__report *r, int *id)
{
    if (r->data_charts <= 0) return;
    weft__section_begin(t, "data", "The data");
    if (r->data_note) {
        weft__text_add(t, "<p class=\"note\">");
        weft__text_escaped(t, r->data_note, PARAGRAPH);
        weft__text_add(t, "</p>\n");
    }
    weft__text_add(t, "<div class=\"grid\">\n");
    for (int i = 0; i < at_most(r->data_charts, CHARTS); i++)
        weft__chart_figure(t, &r->data_chart[i], id);
    weft__text_add(t, "</div>\n");
    weft__section_end(t);
}
