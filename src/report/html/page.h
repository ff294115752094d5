/* page.h: the parts of the page: its style, its sections, its code samples. */
#ifndef WEFT_SRC_REPORT_HTML_PAGE_H
#define WEFT_SRC_REPORT_HTML_PAGE_H

#include "report/report.h"
#include "report/text.h"

/* style.c: CSS, light, dark and for paper; 0 ends */
extern const char *const weft__style[];

/* report.c: what every page begins and ends with; title is foreign, the style ours.
 * weft__page_write frees t. */
void weft__page_open(weft__text *t, const char *title, const char *more_style);
void weft__page_close(weft__text *t);
weft_status weft__page_write(weft__text *t, const char *path);

/* sections.c, sections_text.c: each adds a section, or nothing when there is nothing to
 * say. *id numbers figures. */
void weft__section_head(weft__text *t, const weft__report *r);
void weft__section_charts(weft__text *t, const weft__report *r, int *id);
void weft__section_answers(weft__text *t, const weft__report *r, int *id);
void weft__section_confusion(weft__text *t, const weft__report *r, int *id);
void weft__section_classes(weft__text *t, const weft__report *r);
void weft__section_pictures(weft__text *t, const weft__report *r);
void weft__section_quotes(weft__text *t, const weft__report *r);
void weft__section_rivals(weft__text *t, const weft__report *r, int *id);
void weft__section_data(weft__text *t, const weft__report *r, int *id);
void weft__section_layers(weft__text *t, const weft__report *r);
void weft__section_facts(weft__text *t, const weft__report *r);
void weft__section_usage(weft__text *t, const weft__report *r);

/* The frame of a section, and what sections of both files use. */
void weft__section_begin(weft__text *t, const char *id, const char *title);
void weft__section_end(weft__text *t);
void weft__mistakes_begin(weft__text *t, const weft__report *r); /* title and note */
void weft__left_out(weft__text *t, int shown, int all, const char *what);
void weft__probability(weft__text *t, double p);
/* The first few facts as tiles. */
void weft__tiles(weft__text *t, const weft__fact *fact, int n);
/* A chart as a figure of a grid. */
void weft__chart_figure(weft__text *t, const weft__chart *chart, int *id);

/* usage.c: programs that run the model, as plain text. */
void weft__sample_command(weft__text *t, const weft__report *r);
void weft__sample_c(weft__text *t, const weft__report *r);
void weft__sample_onnx(weft__text *t, const weft__report *r);
/* usage_text.c: the same of a model for texts. */
void weft__sample_onnx_text(weft__text *t, const weft__report *r);
/* A string literal that C and Python read alike. */
void weft__literal(weft__text *t, const char *s);

#endif
