/* outcome_page.h: a run's report while it is made: what pictures and texts have in
 * common, and what each adds. */
#ifndef WEFT_CLI_OUTCOME_PAGE_H
#define WEFT_CLI_OUTCOME_PAGE_H

#include "outcome.h"

#include "report/report.h"

enum { MISTAKES = 24, FACT_TEXT = 100, FACTS = 20 };

/* A list of facts whose values are made here. */
typedef struct fact_list {
    weft__fact fact[FACTS];
    char text[FACTS][FACT_TEXT];
    int n;
} fact_list;
void fact_add(fact_list *l, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One mistake: which sample, how sure the model was of the wrong class. */
typedef struct mistake {
    int sample, predicted;
    double probability, truth;
} mistake;
/* The prediction for one sample's logits, and how probable it and the truth are. */
mistake mistake_judge(const float *logits, int classes, int sample, int truth);

/* Everything that a report borrows. */
typedef struct page {
    const outcome *o;
    const weft_metrics *m; /* of the split that is shown */
    weft_split split;
    int classes;
    double *epoch, *train_loss, *val_loss, *top1, *top5, *lr, *norm, *norm_most;
    weft__series loss[2], accuracy[2], rate[1], gradient[2];
    weft__chart chart[4];
    int64_t *confusion;
    weft__class_row *rows;
    mistake mistake[MISTAKES];
    char name[MISTAKES][200];
    int mistakes;
    weft_graph_row *graph_rows;
    weft__layer_row *layers;
    int layer_count;
    fact_list headline, training, data, resources;
    weft__fact_group group[3];
    char title[200], subtitle[200], summary[300];
    /* of pictures */
    weft__picture picture[MISTAKES];
    /* of texts */
    weft__quote quote[MISTAKES];
    char remark[MISTAKES][64];
    weft__rival rival[2];
    char linear_name[64], data_note[400];
    double *histogram;
    weft__series lengths[1];
    weft__chart data_chart[1];
} page;

/* outcome_pictures.c */
weft_status page_picture_mistakes(page *p);
void page_picture_facts(page *p);
void page_picture_usage(const page *p, weft__report *r);
weft_status page_picture_tiles(const page *p, const char *path);
/* outcome_texts.c */
weft_status page_text_mistakes(page *p);
weft_status page_text_facts(page *p);
void page_text_usage(const page *p, weft__report *r);

#endif
