/* trainer.h: what changes while a network is trained, from the inside. */
#ifndef WEFT_SRC_TRAIN_TRAINER_H
#define WEFT_SRC_TRAIN_TRAINER_H

#include "train/optimizer.h"

#include "store/checkpoint.h"

enum { WEFT_TRAINER_PLANS = 2 };

struct weft_trainer {
    weft_graph *g;
    weft_value loss;
    const weft_value *keep; /* values that the plans leave readable; the caller's */
    int keeps;
    bool exact_conv;
    weft_trainer_opts opts;
    weft_optimizer *optimizer;
    weft_plan *plan
        [WEFT_TRAINER_PLANS]; /* of the last sizes, the first one made is the oldest */
    int size[WEFT_TRAINER_PLANS];
    int64_t step; /* batches seen so far: the key of random numbers */
    int group;    /* batches since the last update */
};

/* One batch of a group that makes an update. */
typedef struct weft__trainer_batch {
    bool first, last; /* of its group */
    float scale;      /* its part of the group's loss */
    double rate;
} weft__trainer_batch;

/* Forward, backward and, with the last batch of a group, the update. WEFT_EDIVERGED
 * without a message of its own: the caller tells where. */
weft_status weft__trainer_run(weft_trainer *t, weft_plan *p, const weft__trainer_batch *b,
                              float *loss);

/* ---- trainer_state.c ---- */

/* Facts that a state must agree on with the trainer that reads it, as text. */
typedef struct weft__facts {
    const char *key[32];
    char value[32][120];
    int n;
    int optimizer; /* facts from here on are the optimizer's */
} weft__facts;
void weft__fact_of(weft__facts *f, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void weft__trainer_facts(const weft_trainer *t, weft__facts *f); /* of the network */
void weft__optimizer_facts(const weft_trainer *t, weft__facts *f);
weft_status weft__facts_put(const weft__facts *f, weft_meta *m);
/* WEFT_EUSAGE "PATH: is of another run: ..." names what differs; the first n facts
 * count. */
weft_status weft__facts_agree(const weft__facts *f, int n, const weft_meta *m,
                              const char *path);

/* Numbers as text that loses nothing. */
weft_status weft__meta_put_int(weft_meta *m, const char *key, int64_t x);
weft_status weft__meta_put_real(weft_meta *m, const char *key, double x);
bool weft__meta_get_int(const weft_meta *m, const char *key, int64_t *x);
bool weft__meta_get_real(const weft_meta *m, const char *key, double *x);

/* Parameters, buffers and, with optimizer, its moments, average and count of steps.
 * Data is borrowed until the checkpoint is written. get: nothing is changed when a
 * tensor is missing. */
weft_status weft__tensor_put(weft__checkpoint *c, const char *name, float *data,
                             size_t count);
weft_status weft__tensor_get(weft__checkpoint *c, const char *name, float *data,
                             size_t count);
weft_status weft__trainer_put(weft_trainer *t, weft__checkpoint *c);
weft_status weft__trainer_get(weft_trainer *t, weft__checkpoint *c, bool optimizer,
                              int64_t most_steps);

#endif
