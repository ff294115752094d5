/* report.c: the page and the pictures as files. */
#include "report/report.h"

#include "base/file.h"
#include "report/plot/chart.h"
#include "report/html/page.h"

#include <stdlib.h>

void weft__page_open(weft__text *t, const char *title, const char *more_style)
{
    weft__text_add(
        t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'; img-src data:\">\n"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
           "<meta name=\"generator\" content=\"weft\">\n<title>");
    weft__text_escaped(t, title, 160);
    weft__text_add(t, "</title>\n<style>\n");
    for (int i = 0; weft__style[i]; i++) weft__text_add(t, weft__style[i]);
    weft__text_add(t, more_style);
    weft__text_add(t, "</style>\n</head>\n<body>\n<main>\n");
}

void weft__page_close(weft__text *t)
{
    weft__text_printf(t, "<footer>Made by weft %s.</footer>\n</main>\n</body>\n</html>\n",
                      WEFT_VERSION);
}

weft_status weft__page_write(weft__text *t, const char *path)
{
    weft_status s;
    if (t->failed)
        s = weft__fail(WEFT_ENOMEM, "%s: no memory to write it", path);
    else if (t->used > WEFT_REPORT_BYTES)
        s = weft__fail(WEFT_EBUG, "%s: the page has %zu bytes", path, t->used);
    else
        s = weft__file_replace(path, t->data, t->used);
    weft__text_free(t);
    return s;
}

static void write_page(weft__text *t, const weft__report *r)
{
    int id = 0;
    weft__page_open(t, r->title ? r->title : "Training report", "");
    weft__section_head(t, r);
    weft__section_rivals(t, r, &id);
    weft__section_charts(t, r, &id);
    weft__section_answers(t, r, &id);
    weft__section_confusion(t, r, &id);
    weft__section_classes(t, r);
    weft__section_pictures(t, r);
    weft__section_quotes(t, r);
    weft__section_data(t, r, &id);
    weft__section_layers(t, r);
    weft__section_facts(t, r);
    weft__section_usage(t, r);
    weft__page_close(t);
}

weft_status weft__report_write(const weft__report *r, const char *path)
{
    weft__text t = {0};
    write_page(&t, r);
    return weft__page_write(&t, path);
}

/* ---- pictures ---- */

static const double CHART_W = 520, CHART_H = 300;

enum { CHARTS = 24 };

static int charts_of(const weft__report *r)
{
    return r->charts < 0 ? 0 : r->charts < CHARTS ? r->charts : CHARTS;
}

static int across(int n)
{
    return n <= 1 ? 1 : n <= 4 ? 2 : 3;
}

static void draw_charts(weft__canvas *c, void *what)
{
    const weft__report *r = what;
    int n = charts_of(r), columns = across(n);
    for (int i = 0; i < n; i++)
        weft__draw_chart(c, &r->chart[i], 8 + i % columns * CHART_W,
                         8 + i / columns * CHART_H, CHART_W - 8, CHART_H - 8);
}

static void draw_matrix(weft__canvas *c, void *what)
{
    weft__draw_confusion(c, &((const weft__report *)what)->confusion);
}

bool weft__report_has_png(void)
{
    return weft__png_available();
}

weft_status weft__report_charts_png(const weft__report *r, const char *path)
{
    weft__report copy = *r;
    int n = charts_of(r), columns = across(n), rows = (n + columns - 1) / columns;
    if (!n) return weft__fail(WEFT_EUSAGE, "%s: there are no charts to draw", path);
    return weft__png_draw(path, columns * CHART_W + 8, rows * CHART_H + 8, draw_charts,
                          &copy);
}

weft_status weft__report_confusion_png(const weft__report *r, const char *path)
{
    weft__report copy = *r;
    double w, h;
    if (!r->confusion.count || r->confusion.classes < 1)
        return weft__fail(WEFT_EUSAGE, "%s: there is no confusion matrix to draw", path);
    weft__confusion_size(&r->confusion, &w, &h);
    return weft__png_draw(path, w, h, draw_matrix, &copy);
}
