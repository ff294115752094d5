/* options.c: the rows of `weft train` that no modality and no task owns, and all
 * rows in one table. */
#include "fit/args.h"

#include "base/checked.h"
#include "base/nearest.h"
#include "base/option.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V weft__fit_values

static const weft_option network[] = {
    WEFT__HEADING("network"),
    WEFT__TEXT(
        V, model, "model", "NAME",
        "a ready network (`weft help models`); by default one that suits the pictures' "
        "size; for texts cnn-bigru"),
    WEFT__TEXT(V, from, "from", "MODEL",
               "start from the parameters of this ONNX file or run folder; of texts, "
               "rows of the "
               "embedding go to the same tokens",
               .path = true),
    WEFT__REAL(V, dropout, "dropout", 0, 0.99, "before the last layer"),
    WEFT__END_OF_OPTIONS};

static const char *const forms_before[] = {"a", "serial",    "b", "parallel",
                                           "c", "rnn-first", NULL};

static const weft_option text_network[] = {
    WEFT__HEADING("network for texts (by default the model's own)"),
    WEFT__INT(V, embedding, "embedding", 1, 65536, "width of the embedding",
              .builds = true),
    WEFT__INT(V, filters, "filters", 1, 65536, "of the convolution", .builds = true),
    WEFT__INT(V, kernel, "kernel", 1, 1024, "tokens that a filter sees", .builds = true),
    WEFT__INT(V, hidden, "hidden", 1, 16384, "recurrent units of a direction",
              .builds = true),
    WEFT__INT(V, layers, "layers", 1, 64, "recurrent layers", .builds = true),
    WEFT__INT(V, pool, "pool", 1, 1024, "max pool after the convolution; 1 none",
              .builds = true),
    WEFT__CHOICE(V, form, "form", "serial|parallel|rnn-first",
                 "of cnn-bigru: convolution and then GRU, side by side, GRU and then "
                 "convolution",
                 .also = forms_before, .builds = true),
    WEFT__CHOICE(V, readout, "readout", "last|max|mean|max+mean|attention",
                 "how all positions become one vector", .builds = true),
    WEFT__FLAG(V, bag, "bag", "join the mean of the embeddings to it"),
    WEFT__INT(
        V, wide, "wide", 1, 3,
        "add the scores of a linear model of n-grams up to so long to the network's"),
    WEFT__REAL(V, wide_dropout, "wide-dropout", 0, 1,
               "in training, leave out the linear scores of so many texts, and the "
               "network's of as "
               "many (1: the network learns alone)"),
    WEFT__REAL(V, embedding_dropout, "embedding-dropout", 0, 0.99,
               "of whole channels of the embedding"),
    WEFT__REAL(
        V, gate_bias, "gate-bias", -20, 20,
        "at the start, of GRU's update and LSTM's forget gates (0; LSTM 1); about the "
        "logarithm of how many steps are to be remembered",
        .builds = true),
    WEFT__FLAG(V, freeze_embedding, "freeze-embedding", "do not train the embedding"),
    WEFT__END_OF_OPTIONS};

static const weft_option data[] = {
    WEFT__HEADING("data"),
    WEFT__TEXT(V, val, "val", "PATH",
               "validation set, if it does not lie beside the training set", .path = true,
               .opens = true),
    WEFT__TEXT(V, test, "test", "PATH",
               "test set, if it does not lie beside the training set", .path = true,
               .opens = true),
    WEFT__REAL(V, val_fraction, "val-fraction", 0.001, 0.9,
               "of the training set for validation when there is no validation set (0.1)",
               .opens = true),
    WEFT__FLAG(V, no_val, "no-val", "train on everything; validate on the training set"),
    WEFT__TEXT(V, skip_bad, "skip-bad", "PERCENT",
               "leave out samples that cannot be read, at most this percentage",
               .optional = true, .opens = true),
    WEFT__TEXT(V, bad_list, "bad-list", "FILE",
               "with --skip-bad: name them in this TSV file (bad.tsv in the run folder)",
               .path = true),
    WEFT__END_OF_OPTIONS};

static const weft_option training[] = {
    WEFT__HEADING("training"),
    WEFT__INT(V, epochs, "epochs", 1, 1000000,
              "passes over the training set (15; texts 8)"),
    WEFT__INT(V, batch, "batch", 1, 65536, "samples per step (128; texts 64)"),
    WEFT__INT(V, accumulate, "accumulate", 1, 65536, "batches per update (1)"),
    WEFT__CHOICE(V, optimizer, "optimizer", "sgd|adam|adamw|rmsprop",
                 "how parameters move (sgd; texts adamw)"),
    WEFT__REAL(
        V, lr, "lr", 0, 1e12,
        "learning rate (sgd 0.05, residual networks 0.1; others 2e-3; texts 1e-3)"),
    WEFT__REAL(V, momentum, "momentum", 0, 0.99999, "of sgd (0.9) and rmsprop (0)"),
    WEFT__FLAG(V, no_nesterov, "no-nesterov", "plain momentum"),
    WEFT__REAL(V, weight_decay, "weight-decay", 0, 10,
               "of weights, not of biases and norms (5e-4; adamw 0.05; texts 0.01)"),
    WEFT__CHOICE(V, schedule, "schedule",
                 "constant|step|multistep|exponential|cosine|onecycle|plateau",
                 "learning rate over time (onecycle)"),
    WEFT__REAL(V, warmup, "warmup", 0, 1000, "epochs of rising learning rate"),
    WEFT__REAL(V, gamma, "gamma", 0, 1,
               "factor of step, multistep, exponential and plateau"),
    WEFT__REAL(V, step, "step", 0.01, 1e6, "epochs between the factors of step"),
    WEFT__TEXT(V, milestones, "milestones", "E,E", "epochs of multistep"),
    WEFT__REAL(V, final, "final", 0, 1,
               "last learning rate of cosine and onecycle, as a part of --lr"),
    WEFT__INT(V, patience, "patience", 0, 1000000,
              "stop after so many epochs without a better result"),
    WEFT__REAL(V, clip_norm, "clip-norm", 0, 1e9,
               "largest norm of all gradients together; 0 any (texts 5)"),
    WEFT__REAL(V, clip_value, "clip-value", 0, 1e9, "largest size of any one gradient"),
    WEFT__REAL(V, ema, "ema", 0, 0.999999,
               "decay of the averaged parameters (0: no averaging)"),
    {.name = "seed",
     .kind = WEFT_OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(V, seed),
     .help = "of everything random: same seed, data and build give the same bits (0)",
     .opens = true},
    WEFT__FLAG(V, no_baseline, "no-baseline",
               "do not train a simple model to compare with"),
    WEFT__END_OF_OPTIONS};

static const weft_option run[] = {
    WEFT__HEADING("run"),
    WEFT__TEXT(V, project, "project", "DIR", "folder of all runs (runs)", .once = true),
    WEFT__TEXT(V, name, "name", "NAME", "of this run; by default the data set's",
               .once = true),
    WEFT__FLAG(V, force, "force", "overwrite a run of that name", .once = true),
    WEFT__TEXT(
        V, resume, "resume", "RUN",
        "go on with this run folder; options given beside it replace the run's own",
        .once = true),
    WEFT__FLAG(V, reset_optimizer, "reset-optimizer",
               "with --resume: keep the parameters, start optimizer and schedule afresh",
               .once = true),
    WEFT__REAL(V, save_seconds, "save-seconds", 0.01, 1e6,
               "between checkpoints within an epoch (60)"),
    WEFT__FLAG(V, no_report, "no-report", "no report.html and no pictures", .once = true),
    WEFT__INT(V, threads, "threads", 0, 256, "that compute; by default all cores",
              .opens = true),
    WEFT__FLAG(V, exact_conv, "exact-conv", "convolutions without Winograd's transforms",
               .opens = true),
    {.name = "max-mem",
     .kind = WEFT_OPTION_BYTES,
     .metavar = "BYTES",
     .offset = offsetof(V, max_mem),
     .help = "refuse a plan that needs more memory"},
    WEFT__END_OF_OPTIONS};

#undef V

/* ---- one table ---- */

enum { MOST_OWNERS = 24 };

/* A group of rows and where its values lie in the block. */
typedef struct owner {
    const weft__modality *modality;
    const weft__task *task;
    bool text_network;
    size_t base;
} owner;

static weft_option table[WEFT_MOST_OPTIONS + 1];
static owner owner_of[WEFT_MOST_OPTIONS];
static size_t block_bytes = sizeof(weft__fit_values);
static size_t modality_base[MOST_OWNERS], task_base[MOST_OWNERS];
static char task_choices[128], modality_choices[128];
static int rows;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void add(const weft_option *group, owner who)
{
    for (const weft_option *o = group; o && (o->name || o->help); o++) {
        if (rows == WEFT_MOST_OPTIONS) abort(); /* a table of ours is too long */
        table[rows] = *o;
        table[rows].offset += who.base;
        owner_of[rows++] = who;
    }
}

static size_t reserve(size_t bytes)
{
    size_t at = weft__round_up(block_bytes, 16);
    block_bytes = at + bytes;
    return at;
}

static void join(char *text, size_t size, const char *word)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, "%s%s", at ? "|" : "", word);
}

static void make_table(void)
{
    static weft_option kinds[3];
    const weft__modality *m;
    for (int i = 0; weft_task_name(i); i++)
        join(task_choices, sizeof task_choices, weft_task_name(i));
    for (int i = 0; (m = weft__modality_at(i)); i++) {
        if (!m->probe) continue;
        join(modality_choices, sizeof modality_choices, m->name);
        if (!weft__task_named(m->classify))
            join(task_choices, sizeof task_choices, m->classify);
    }
    kinds[0] = (weft_option)WEFT__CHOICE(
        weft__fit_values, task, "task", task_choices,
        "what is asked about each sample; by default which class it has", .opens = true);
    kinds[1] = (weft_option)WEFT__CHOICE(
        weft__fit_values, modality, "modality", modality_choices,
        "what the samples are; by default as they look", .opens = true);
    add(kinds, (owner){0});
    add(network, (owner){0});
    add(text_network, (owner){.text_network = true});
    add(data, (owner){0});
    for (int i = 0; (m = weft__modality_at(i)); i++) {
        modality_base[i] = reserve(m->options_size);
        add(m->options, (owner){.modality = m, .base = modality_base[i]});
    }
    add(training, (owner){0});
    for (int i = 0; weft_task_name(i); i++) {
        const weft__task *t = weft__task_named(weft_task_name(i));
        task_base[i] = reserve(t->options_size);
        add(t->options, (owner){.task = t, .base = task_base[i]});
    }
    add(run, (owner){0});
}

WEFT_API const weft_option *weft_fit_options(void)
{
    pthread_once(&made, make_table);
    return table;
}

/* ---- blocks of values ---- */

void *weft__fit_modality_values(const weft_fit_args *a, const weft__modality *m)
{
    for (int i = 0; weft__modality_at(i); i++)
        if (weft__modality_at(i) == m) return (char *)a->block + modality_base[i];
    return NULL;
}

void *weft__fit_task_values(const weft_fit_args *a, const weft__task *t)
{
    for (int i = 0; weft_task_name(i); i++)
        if (weft__task_named(weft_task_name(i)) == t)
            return (char *)a->block + task_base[i];
    return NULL;
}

static const double unset = -1;

WEFT_API weft_fit_args *weft_fit_args_new(void)
{
    weft_fit_options();
    weft_fit_args *a = calloc(1, sizeof *a);
    if (a) a->block = calloc(1, block_bytes);
    if (!a || !a->block) {
        free(a);
        return NULL;
    }
    *weft__fit_values_of(a) = (weft__fit_values){.accumulate = 1,
                                                 .lr = unset,
                                                 .momentum = unset,
                                                 .weight_decay = unset,
                                                 .clip_norm = unset,
                                                 .schedule = "onecycle",
                                                 .project = "runs",
                                                 .save_seconds = 60,
                                                 .dropout = unset,
                                                 .wide_dropout = unset,
                                                 .embedding_dropout = unset};
    const weft__modality *m;
    for (int i = 0; (m = weft__modality_at(i)); i++)
        if (m->options_start) m->options_start(weft__fit_modality_values(a, m));
    for (int i = 0; weft_task_name(i); i++) {
        const weft__task *t = weft__task_named(weft_task_name(i));
        if (t->options_start) t->options_start(weft__fit_task_values(a, t));
    }
    return a;
}

WEFT_API void weft_fit_args_free(weft_fit_args *a)
{
    if (!a) return;
    weft__arena_free(&a->arena);
    free(a->block);
    free(a);
}

static weft_status unknown(const char *name)
{
    const char *names[WEFT_MOST_OPTIONS];
    char shown[200];
    int n = 0;
    for (int i = 0; i < rows; i++)
        if (table[i].name) names[n++] = table[i].name;
    const char *near = weft__nearest(name, names, n);
    weft__escape(shown, sizeof shown, name);
    return weft__fail(WEFT_EUSAGE, "train: unknown option --%s%s%s%s", shown,
                      near ? ". Did you mean --" : "", near ? near : "", near ? "?" : "");
}

static weft_status set(weft_fit_args *a, const weft_option *row, const char *text)
{
    const char *copy = text ? weft__arena_text(&a->arena, text) : NULL;
    if (text && !copy) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    a->given[row - table] = true;
    return weft_option_set(row, copy, a->block);
}

WEFT_API weft_status weft_fit_args_set(weft_fit_args *a, const char *name,
                                       const char *text)
{
    const weft_option *row = weft_option_find(table, name, strlen(name));
    return row ? set(a, row, text) : unknown(name);
}

static bool is_text(const weft_option *o)
{
    return o->kind == WEFT_OPTION_TEXT || o->kind == WEFT_OPTION_CHOICE;
}

/* Row i's value of `from` into to; texts are copied. */
static weft_status copy_value(weft_fit_args *to, const weft_fit_args *from, int i)
{
    static const size_t size[] = {[WEFT_OPTION_HEADING] = 0,
                                  [WEFT_OPTION_FLAG] = sizeof(bool),
                                  [WEFT_OPTION_TEXT] = sizeof(const char *),
                                  [WEFT_OPTION_INT] = sizeof(int),
                                  [WEFT_OPTION_SEED] = sizeof(uint64_t),
                                  [WEFT_OPTION_REAL] = sizeof(double),
                                  [WEFT_OPTION_CHOICE] = sizeof(const char *),
                                  [WEFT_OPTION_BYTES] = sizeof(size_t)};
    char *at = (char *)to->block + table[i].offset;
    const char *there = (const char *)from->block + table[i].offset;
    memcpy(at, there, size[table[i].kind]);
    if (!is_text(&table[i]) || !*(const char *const *)there) return WEFT_OK;
    const char *copy = weft__arena_text(&to->arena, *(const char *const *)there);
    if (!copy) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    *(const char **)at = copy;
    return WEFT_OK;
}

weft_fit_args *weft__fit_args_copy(const weft_fit_args *a)
{
    weft_fit_args *to = weft_fit_args_new();
    weft_status s = to ? WEFT_OK : WEFT_ENOMEM;
    for (int i = 0; i < rows && !s; i++) {
        to->given[i] = a->given[i];
        s = copy_value(to, a, i);
    }
    if (!s) return to;
    weft_fit_args_free(to);
    return NULL;
}

weft_status weft__fit_args_overlay(weft_fit_args *to, const weft_fit_args *from)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < rows && !s; i++) {
        if (!from->given[i]) continue;
        to->given[i] = true;
        s = copy_value(to, from, i);
    }
    return s;
}

/* ---- whose option is it? ---- */

bool weft__fit_foreign(int row, const weft__modality *m, const weft__task *t)
{
    const owner *o = &owner_of[row];
    return (o->modality && o->modality != m) || (o->task && o->task != t);
}

weft_status weft__fit_check_foreign(const weft_fit_args *a, const weft__modality *m,
                                    const weft__task *t)
{
    for (int i = 0; i < rows; i++) {
        const owner *o = &owner_of[i];
        if (!a->given[i] || !weft__fit_foreign(i, m, t)) continue;
        if (o->modality)
            return weft__fail(WEFT_EUSAGE, "train: --%s is for %s, the data are %s",
                              table[i].name, o->modality->noun, m->noun);
        return weft__fail(WEFT_EUSAGE, "train: --%s is for the task %s, this is %s",
                          table[i].name, o->task->name, t->name);
    }
    return WEFT_OK;
}

void weft__fit_drop_foreign_network(weft_fit_args *a, const char *model)
{
    weft__fit_values *v = weft__fit_values_of(a);
    const weft_fit_args none = {.block = calloc(1, block_bytes)};
    for (int i = 0; i < rows && none.block; i++)
        if (owner_of[i].text_network && table[i].name &&
            !weft_zoo_takes(model, table[i].name))
            copy_value(a, &none, i);
    free(none.block);
    if (v->readout && !strcmp(v->readout, "last") && !weft_zoo_takes(model, "hidden"))
        v->readout = NULL;
}

weft_status weft__fit_check_network(const weft_fit_args *a, const char *model)
{
    const char *reads = weft_zoo_modality(model);
    for (int i = 0; i < rows && reads; i++)
        if (a->given[i] && owner_of[i].text_network && strcmp(reads, "text"))
            return weft__fail(WEFT_EUSAGE, "train: --%s is for texts, %s reads pictures",
                              table[i].name, model);
    return WEFT_OK;
}
