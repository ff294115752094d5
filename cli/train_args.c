/* train_args.c: the options of `weft train`: table, defaults, and what follows from the
 * data. */
#include "train_args.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A train_args

const option_row train_options[] = {
    CHOICE(A, task, "task", "classify|text",
           "what the data are, pictures or texts; by default as they look"),
    HEADING("network"),
    TEXT(A, model, "model", "NAME",
         "a ready network (`weft help models`); by default one that "
         "suits the pictures' size; for texts cnn-bigru"),
    PATH(A, from, "from", "MODEL",
         "start from the parameters of this ONNX file or run folder; of texts, rows of "
         "the embedding go to the same pieces"),
    INT(A, imgsz, "imgsz", 1, 4096,
        "side of the pictures; by default the commonest, at most 224"),
    INT(A, channels, "channels", 1, 3,
        "1 grey, 3 colour; by default as the pictures are"),
    REAL(A, dropout, "dropout", 0, 0.99, "before the classifier"),
    HEADING("network for texts (by default the model's own)"),
    INT(A, embedding, "embedding", 1, 4096, "width of the embedding"),
    INT(A, filters, "filters", 1, 65536, "of the convolution"),
    INT(A, kernel, "kernel", 1, 255, "tokens that a filter sees"),
    INT(A, hidden, "hidden", 1, 65536, "recurrent units of a direction"),
    INT(A, layers, "layers", 1, 16, "recurrent layers"),
    INT(A, pool, "pool", 1, 64, "max pool behind the convolution; 1 none"),
    CHOICE(A, form, "form", "a|b|c",
           "of cnn-bigru: a convolution before the GRU, b beside it, c behind it"),
    CHOICE(A, readout, "readout", "last|max|mean|max+mean|attention",
           "how all positions become one vector"),
    FLAG(A, bag, "bag", "join the mean of the embeddings to it"),
    INT(A, wide, "wide", 1, 3,
        "add the scores of a linear model of n-grams up to so long to the network's"),
    REAL(
        A, wide_dropout, "wide-dropout", 0, 1,
        "in training, leave out the linear scores of so many texts, and the network's of "
        "as many (1: the network learns alone)"),
    REAL(A, embedding_dropout, "embedding-dropout", 0, 0.99,
         "of whole channels of the embedding"),
    REAL(A, gate_bias, "gate-bias", -20, 20,
         "at the start, of GRU's update and LSTM's forget gates (0; LSTM 1); about the "
         "logarithm of how many steps are to be remembered"),
    PATH(A, vectors, "vectors", "FILE",
         "start the embedding from word2vec or GloVe text, or .npz"),
    PATH(A, vector_words, "vector-words", "FILE",
         "the pieces of an .npz: PIECE<tab>ROW on each line"),
    FLAG(A, freeze_embedding, "freeze-embedding", "do not train the embedding"),
    HEADING("data"),
    PATH(A, val, "val", "PATH",
         "validation set, if it does not lie beside the training set"),
    PATH(A, test, "test", "PATH", "test set, if it does not lie beside the training set"),
    REAL(A, val_fraction, "val-fraction", 0.001, 0.9,
         "of the training set for validation when "
         "there is no validation set (0.1)"),
    FLAG(A, no_val, "no-val", "train on everything; validate on the training set"),
    CHOICE(A, fit, "fit", "stretch|crop|letterbox", "how pictures are brought to size"),
    {.name = "skip-bad",
     .kind = OPTION_TEXT,
     .metavar = "PERCENT",
     .optional = true,
     .offset = offsetof(A, skip_bad),
     .help = "leave out pictures that cannot be read, at most this percentage"},
    PATH(A, bad_list, "bad-list", "FILE",
         "with --skip-bad: name them in this TSV file (bad.tsv in the run folder)"),
    REAL(A, max_megapixels, "max-megapixels", 0.001, 4096, "refuse larger pictures (64)"),
    FLAG(A, no_check, "no-check", "do not decode every picture before the first step"),
    HEADING("texts"),
    TEXT(A, label_column, "label-column", "COLUMN",
         "by name or number from 1; by default the one with few different values"),
    TEXT(A, text_column, "text-column", "COLUMN", "by default the longest other one"),
    CHOICE(A, format, "format", "tsv|csv|jsonl|fasttext|space",
           "of the files; by default as they look"),
    FLAG(A, strict, "strict", "text that is not UTF-8 is an error, not replaced"),
    CHOICE(A, unit, "unit", "auto|word|char",
           "what a token is; auto: characters for Chinese, Japanese and Korean"),
    INT(A, ngrams, "ngrams", 1, 3,
        "2: pairs of tokens have embeddings of their own, too; 3: triples, too (1)"),
    INT(A, min_count, "min-count", 1, 1000000,
        "rarer tokens are unknown (1; pairs, triples 2)"),
    INT(A, max_vocab, "max-vocab", 3, 10000000, "tokens in the vocabulary (50000)"),
    INT(A, max_pairs, "max-pairs", 3, 10000000, "pairs in it (200000)"),
    INT(A, max_triples, "max-triples", 3, 10000000, "triples in it (200000)"),
    INT(A, max_length, "max-length", 1, 65536,
        "tokens of a text that are read; by default what 99 % of the texts have, "
        "at most 512"),
    FLAG(A, keep_case, "keep-case", "do not fold capital letters"),
    FLAG(A, keep_width, "keep-width", "do not fold full-width forms"),
    FLAG(A, mixed_lengths, "mixed-lengths", "texts of any length share a batch (slower)"),
    FLAG(A, no_baseline, "no-baseline",
         "do not train a linear model of n-grams to compare with"),
    HEADING("training"),
    INT(A, epochs, "epochs", 1, 1000000, "passes over the training set (15; texts 8)"),
    INT(A, batch, "batch", 1, 65536, "samples per step (128; texts 64)"),
    INT(A, accumulate, "accumulate", 1, 65536, "batches per update (1)"),
    CHOICE(A, optimizer, "optimizer", "sgd|adam|adamw|rmsprop",
           "how parameters move (sgd; texts adamw)"),
    REAL(A, lr, "lr", 0, 1e12,
         "learning rate (sgd 0.05, residual networks 0.1; others 2e-3; texts 1e-3)"),
    REAL(A, momentum, "momentum", 0, 0.99999, "of sgd (0.9) and rmsprop (0)"),
    FLAG(A, no_nesterov, "no-nesterov", "plain momentum"),
    REAL(A, weight_decay, "weight-decay", 0, 10,
         "of weights, not of biases and norms (5e-4; adamw 0.05; texts 0.01)"),
    CHOICE(A, schedule, "schedule",
           "constant|step|multistep|exponential|cosine|onecycle|plateau",
           "learning rate over time (onecycle)"),
    REAL(A, warmup, "warmup", 0, 1000, "epochs of rising learning rate"),
    REAL(A, gamma, "gamma", 0, 1, "factor of step, multistep, exponential and plateau"),
    REAL(A, step, "step", 0.01, 1e6, "epochs between the factors of step"),
    TEXT(A, milestones, "milestones", "E,E", "epochs of multistep"),
    REAL(A, final, "final", 0, 1,
         "last learning rate of cosine and onecycle, as a part of --lr"),
    INT(A, patience, "patience", 0, 1000000,
        "stop after so many epochs without a better result"),
    REAL(A, clip_norm, "clip-norm", 0, 1e9,
         "largest norm of all gradients together; 0 any (texts 5)"),
    REAL(A, clip_value, "clip-value", 0, 1e9, "largest size of any one gradient"),
    REAL(A, ema, "ema", 0, 0.999999,
         "decay of the averaged parameters (0: no averaging)"),
    REAL(A, smoothing, "smoothing", 0, 0.99, "of labels (0; texts 0.1)"),
    FLAG(A, balance, "balance", "weigh classes by how rare they are"),
    {.name = "seed",
     .kind = OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(A, seed),
     .help = "of everything random: same seed, data and build give the same bits (0)"},
    HEADING("augmentation"),
    CHOICE(
        A, augment, "augment", "auto|none|light|strong",
        "a set of the changes below. auto: mirrored and, in colour, shifted; classes "
        "named by one or two characters (digits, letters) are shifted by a pixel and not "
        "mirrored"),
    REAL(A, flip, "flip", 0, 1, "probability of a mirror image"),
    REAL(A, flip_vertical, "flip-vertical", 0, 1, "probability of an upside-down image"),
    INT(A, shift, "shift", 0, 1024, "crop moved by up to so many pixels"),
    REAL(A, rotate, "rotate", 0, 180, "by up to so many degrees"),
    REAL(A, brightness, "brightness", 0, 1, "as torchvision's ColorJitter"),
    REAL(A, contrast, "contrast", 0, 1, "as torchvision's ColorJitter"),
    REAL(A, saturation, "saturation", 0, 1, "as torchvision's ColorJitter"),
    REAL(A, hue, "hue", 0, 0.5, "as torchvision's ColorJitter"),
    INT(A, cutout, "cutout", 0, 1024, "side of a square that is blanked out"),
    REAL(A, mixup, "mixup", 0, 10, "alpha of Beta(alpha, alpha)"),
    HEADING("run"),
    ONCE(A, OPTION_TEXT, project, "project", "DIR", "folder of all runs (runs)"),
    ONCE(A, OPTION_TEXT, name, "name", "NAME", "of this run; by default the data set's"),
    ONCE(A, OPTION_FLAG, force, "force", NULL, "overwrite a run of that name"),
    ONCE(A, OPTION_TEXT, resume, "resume", "RUN",
         "go on with this run folder; options given beside it replace the run's own"),
    ONCE(A, OPTION_FLAG, reset_optimizer, "reset-optimizer", NULL,
         "with --resume: keep the parameters, start optimizer and schedule afresh"),
    REAL(A, save_seconds, "save-seconds", 0.01, 1e6,
         "between checkpoints within an epoch (60)"),
    ONCE(A, OPTION_FLAG, no_report, "no-report", NULL, "no report.html and no pictures"),
    INT(A, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(A, exact_conv, "exact-conv", "convolutions without Winograd's transforms"),
    INT(A, loader_threads, "loader-threads", 0, 64, "that decode pictures ahead"),
    {.name = "max-mem",
     .kind = OPTION_BYTES,
     .metavar = "BYTES",
     .offset = offsetof(A, max_mem),
     .help = "refuse a plan that needs more memory"},
    ONCE(A, OPTION_FLAG, json, "json", NULL, "print one JSON object on stdout"),
    ONCE(A, OPTION_FLAG, quiet, "quiet", NULL, "no progress"),
    END_OF_OPTIONS};

#undef A

/* Amounts that were not given; train_settle and train_choose fill them in. */
static const double unset = -1;

train_args train_defaults(void)
{
    return (train_args){.accumulate = 1,
                        .lr = unset,
                        .momentum = unset,
                        .weight_decay = unset,
                        .clip_norm = unset,
                        .schedule = "onecycle",
                        .flip = unset,
                        .shift = -1,
                        .project = "runs",
                        .save_seconds = 60,
                        .dropout = unset,
                        .wide_dropout = unset,
                        .embedding_dropout = unset,
                        .smoothing = unset};
}

const char *const train_task_words[] = {"classify", "text"};

static const char *const for_pictures[] = {
    "imgsz",          "channels", "fit",        "max-megapixels",
    "no-check",       "augment",  "flip",       "flip-vertical",
    "shift",          "rotate",   "brightness", "contrast",
    "saturation",     "hue",      "cutout",     "mixup",
    "loader-threads", NULL};
static const char *const for_texts[] = {"embedding",
                                        "filters",
                                        "kernel",
                                        "hidden",
                                        "layers",
                                        "pool",
                                        "form",
                                        "readout",
                                        "bag",
                                        "wide",
                                        "wide-dropout",
                                        "embedding-dropout",
                                        "vectors",
                                        "vector-words",
                                        "freeze-embedding",
                                        "gate-bias",
                                        "label-column",
                                        "text-column",
                                        "format",
                                        "strict",
                                        "unit",
                                        "ngrams",
                                        "min-count",
                                        "max-length",
                                        "max-vocab",
                                        "max-pairs",
                                        "max-triples",
                                        "keep-case",
                                        "keep-width",
                                        "mixed-lengths",
                                        "no-baseline",
                                        NULL};

static const char *const *foreign_to(train_task task)
{
    return task == TRAIN_TEXT ? for_pictures : for_texts;
}

bool train_option_foreign(const char *name, train_task task)
{
    for (const char *const *o = foreign_to(task); *o; o++)
        if (!strcmp(*o, name)) return true;
    return false;
}

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

static weft_status check(const train_args *a)
{
    const char *s = a->schedule;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {a->val && a->no_val, "--val and --no-val exclude each other"},
        {a->bad_list && !a->skip_bad, "--bad-list goes with --skip-bad"},
        {a->reset_optimizer && !a->resume, "--reset-optimizer goes with --resume"},
        {a->milestones && !is(s, "multistep"),
         "--milestones go with --schedule multistep"},
        {!a->milestones && is(s, "multistep"), "--schedule multistep needs --milestones"},
        {a->step > 0 && !is(s, "step"), "--step goes with --schedule step"},
        {a->gamma > 0 && (is(s, "constant") || is(s, "cosine") || is(s, "onecycle")),
         "--gamma goes with --schedule step, multistep, exponential or plateau"},
        {a->warmup > 0 && is(s, "onecycle"),
         "--schedule onecycle has a rise of its own; leave out --warmup"},
        {a->momentum > 0 && !is(a->optimizer, "sgd") && !is(a->optimizer, "rmsprop"),
         "--momentum goes with --optimizer sgd or rmsprop"},
        {a->final > 0 && !is(s, "cosine") && !is(s, "onecycle"),
         "--final goes with --schedule cosine or onecycle"},
        {a->no_nesterov && !is(a->optimizer, "sgd"),
         "--no-nesterov goes with --optimizer sgd"},
        {a->val_fraction > 0 && (a->val || a->no_val),
         "--val-fraction excludes --val and --no-val"},
        {a->vector_words && !a->vectors, "--vector-words goes with --vectors"},
        {a->max_pairs && a->ngrams < 2 && a->wide < 2,
         "--max-pairs goes with --ngrams 2 or 3"},
        {a->max_triples && a->ngrams < 3 && a->wide < 3,
         "--max-triples goes with --ngrams 3"},
        {a->channels == 2, "--channels: found 2, allowed 1 and 3"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong) return weft__fail(WEFT_EUSAGE, "train: %s", rules[i].why);
    return WEFT_OK;
}

static void settle_pictures(train_args *a)
{
    if (!a->fit) a->fit = "stretch";
    if (!a->augment) a->augment = "auto";
    if (!a->epochs) a->epochs = 15;
    if (!a->batch) a->batch = 128;
    if (a->clip_norm < 0) a->clip_norm = 0;
    if (a->smoothing < 0) a->smoothing = 0;
    if (a->momentum < 0) a->momentum = strcmp(a->optimizer, "sgd") ? 0 : 0.9;
    if (a->weight_decay < 0)
        a->weight_decay = strcmp(a->optimizer, "adamw") ? 5e-4 : 0.05;
}

static void settle_texts(train_args *a)
{
    bool sgd = !strcmp(a->optimizer, "sgd"), decoupled = !strcmp(a->optimizer, "adamw");
    if (!a->model) a->model = "cnn-bigru";
    if (!a->unit) a->unit = "auto";
    if (!a->ngrams) a->ngrams = 1;
    if (!a->epochs) a->epochs = 8;
    if (!a->batch) a->batch = 64;
    if (a->clip_norm < 0) a->clip_norm = 5;
    if (a->smoothing < 0) a->smoothing = 0.1;
    if (a->momentum < 0) a->momentum = sgd ? 0.9 : 0;
    if (a->weight_decay < 0) a->weight_decay = decoupled ? 0.01 : 0;
    if (a->lr < 0) a->lr = sgd ? 0.1 : 1e-3;
}

weft_status train_settle(const command *c, train_args *a, train_task task)
{
    for (const char *const *o = foreign_to(task); *o; o++)
        if (option_given(c, *o))
            return weft__fail(WEFT_EUSAGE, "train: --%s is for %s, the data are %s", *o,
                              task == TRAIN_TEXT ? "pictures" : "texts",
                              task == TRAIN_TEXT ? "texts" : "pictures");
    if (!a->optimizer) a->optimizer = task == TRAIN_TEXT ? "adamw" : "sgd";
    weft_status s = check(a);
    if (s) return s;
    if (task == TRAIN_TEXT)
        settle_texts(a);
    else
        settle_pictures(a);
    a->task = train_task_words[task];
    return WEFT_OK;
}

weft_status train_skip_bad(const train_args *a, double *most)
{
    char text[32];
    if (!a->skip_bad || !*a->skip_bad) return WEFT_OK;
    snprintf(text, sizeof text, "%.30s", a->skip_bad);
    if (*text && text[strlen(text) - 1] == '%') text[strlen(text) - 1] = '\0';
    if (number_parse(text, 0, 100, most)) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "--skip-bad: found %.30s, allowed 0%% to 100%%",
                      a->skip_bad);
}

static weft_status read_milestones(const char *text, double out[16])
{
    char copy[200], *rest = copy;
    int n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, ",")) != NULL; n++)
        if (n == 16 || !number_parse(word, 0.001, 1e6, &out[n]) ||
            (n && out[n] <= out[n - 1]))
            return weft__fail(WEFT_EUSAGE,
                              "--milestones: found %.60s, allowed up to 16 rising epochs",
                              text);
    return WEFT_OK;
}

weft_status train_fit_opts(const train_args *a, weft_train_opts *out)
{
    weft_train_opts o = {.epochs = a->epochs,
                         .batch = a->batch,
                         .accumulate = a->accumulate,
                         .seed = a->seed,
                         .smoothing = a->smoothing,
                         .patience = a->patience,
                         .reset_optimizer = a->reset_optimizer,
                         .save_seconds = a->save_seconds,
                         .loader_threads = a->loader_threads,
                         .mixed_lengths = a->mixed_lengths};
    o.optimizer = weft_optimizer_defaults(a->optimizer);
    o.optimizer.lr = a->lr;
    o.optimizer.weight_decay = a->weight_decay;
    o.optimizer.clip_norm = a->clip_norm;
    o.optimizer.clip_value = a->clip_value;
    o.optimizer.ema = a->ema;
    bool sgd = !strcmp(a->optimizer, "sgd");
    o.optimizer.momentum = a->momentum;
    o.optimizer.nesterov = sgd && a->momentum > 0 && !a->no_nesterov;
    o.schedule = (weft_schedule){.name = a->schedule,
                                 .warmup = a->warmup,
                                 .gamma = a->gamma,
                                 .step = a->step,
                                 .final = a->final,
                                 .patience = 0};
    o.augment = (weft_augment){.flip = a->flip > 0 ? a->flip : 0,
                               .flip_vertical = a->flip_vertical,
                               .shift = a->shift > 0 ? a->shift : 0,
                               .rotate = a->rotate,
                               .brightness = a->brightness,
                               .contrast = a->contrast,
                               .saturation = a->saturation,
                               .hue = a->hue,
                               .cutout = a->cutout,
                               .mixup = a->mixup};
    *out = o;
    return a->milestones ? read_milestones(a->milestones, out->schedule.milestones)
                         : WEFT_OK;
}
