/* train_args.c: the options of `weft train`: table, defaults, and what follows from the
 * data. */
#include "train_args.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A train_args

const option_row train_options[] = {
    HEADING("network"),
    TEXT(A, model, "model", "NAME",
         "a ready network (`weft help models`); by default one that "
         "suits the pictures' size"),
    PATH(A, from, "from", "FILE", "start from the parameters of this ONNX model"),
    INT(A, imgsz, "imgsz", 1, 4096,
        "side of the pictures; by default the commonest, at most 224"),
    INT(A, channels, "channels", 1, 3,
        "1 grey, 3 colour; by default as the pictures are"),
    REAL(A, dropout, "dropout", 0, 0.99, "before the classifier"),
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
    HEADING("training"),
    INT(A, epochs, "epochs", 1, 1000000, "passes over the training set (15)"),
    INT(A, batch, "batch", 1, 65536, "pictures per step (128)"),
    INT(A, accumulate, "accumulate", 1, 65536, "batches per update (1)"),
    CHOICE(A, optimizer, "optimizer", "sgd|adam|adamw|rmsprop",
           "how parameters move (sgd)"),
    REAL(A, lr, "lr", 0, 1e12,
         "learning rate (sgd 0.05, residual networks 0.1; others 2e-3)"),
    REAL(A, momentum, "momentum", 0, 0.99999, "of sgd (0.9) and rmsprop (0)"),
    FLAG(A, no_nesterov, "no-nesterov", "plain momentum"),
    REAL(A, weight_decay, "weight-decay", 0, 10,
         "of weights, not of biases and norms (5e-4)"),
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
    REAL(A, clip_norm, "clip-norm", 0, 1e9, "largest norm of all gradients together"),
    REAL(A, clip_value, "clip-value", 0, 1e9, "largest size of any one gradient"),
    REAL(A, ema, "ema", 0, 0.999999,
         "decay of the averaged parameters (0: no averaging)"),
    REAL(A, smoothing, "smoothing", 0, 0.99, "of labels"),
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

/* Amounts that were not given; they are filled in by train_choose. */
static const double unset = -1;

train_args train_defaults(void)
{
    return (train_args){.fit = "stretch",
                        .epochs = 15,
                        .batch = 128,
                        .accumulate = 1,
                        .lr = unset,
                        .momentum = unset,
                        .weight_decay = unset,
                        .optimizer = "sgd",
                        .schedule = "onecycle",
                        .augment = "auto",
                        .flip = unset,
                        .shift = -1,
                        .project = "runs",
                        .save_seconds = 60,
                        .dropout = unset,
                        .smoothing = unset};
}

static const char *model_for(int channels, int height, int width)
{
    int side = height < width ? height : width;
    if (side <= 28 || (channels == 1 && side <= 32)) return "small-cnn";
    return side <= 64 ? "resnet20" : "resnet18";
}

/* Mirror images of digits and letters are other signs: classes that are all single
 * characters, or numbers, are not flipped. */
static bool classes_are_signs(const weft_data *d)
{
    for (int i = 0; i < weft_data_classes(d); i++)
        if (strlen(weft_data_class_name(d, i)) > 2) return false;
    return true;
}

void train_choose(train_args *a, const weft_data *d)
{
    int c, h, w;
    weft_data_shape(d, &c, &h, &w);
    if (!a->model) a->model = model_for(c, h, w);
    bool none = !strcmp(a->augment, "none"), strong = !strcmp(a->augment, "strong");
    bool signs = !strcmp(a->augment, "auto") && classes_are_signs(d);
    if (a->flip < 0) a->flip = none || signs ? 0 : 0.5;
    if (a->shift < 0) a->shift = none ? 0 : c == 3 ? (h + 7) / 8 : signs ? 1 : 0;
    if (strong) {
        if (a->rotate <= 0) a->rotate = 10;
        if (a->brightness <= 0) a->brightness = 0.2;
        if (a->contrast <= 0) a->contrast = 0.2;
        if (a->saturation <= 0 && c == 3) a->saturation = 0.2;
        if (a->cutout <= 0) a->cutout = h / 4;
    }
    if (a->dropout < 0) a->dropout = !strcmp(a->model, "small-cnn") ? 0.3 : 0;
    if (a->smoothing < 0) a->smoothing = 0;
    if (a->momentum < 0) a->momentum = strcmp(a->optimizer, "sgd") ? 0 : 0.9;
    if (a->weight_decay < 0)
        a->weight_decay = strcmp(a->optimizer, "adamw") ? 5e-4 : 0.05;
    if (a->lr < 0)
        a->lr = strcmp(a->optimizer, "sgd")       ? 2e-3
                : !strncmp(a->model, "resnet", 6) ? 0.1
                                                  : 0.05;
}

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

weft_status train_check(const train_args *a)
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
        {a->channels == 2, "--channels: found 2, allowed 1 and 3"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong) return weft__fail(WEFT_EUSAGE, "train: %s", rules[i].why);
    return WEFT_OK;
}

weft_status train_data_opts(const train_args *a, weft_data_opts *out)
{
    weft_data_opts o = {.height = a->imgsz,
                        .width = a->imgsz,
                        .channels = a->channels,
                        .val = a->val,
                        .test = a->test,
                        .val_fraction = a->val_fraction,
                        .no_val = a->no_val,
                        .seed = a->seed,
                        .skip_bad = a->skip_bad != NULL,
                        .bad_list = a->bad_list,
                        .max_megapixels = a->max_megapixels,
                        .no_check = a->no_check};
    if (a->skip_bad && *a->skip_bad) {
        char text[32];
        snprintf(text, sizeof text, "%.30s", a->skip_bad);
        if (*text && text[strlen(text) - 1] == '%') text[strlen(text) - 1] = '\0';
        if (!number_parse(text, 0, 100, &o.skip_bad_max))
            return weft__fail(WEFT_EUSAGE,
                              "--skip-bad: found %.30s, allowed 0%% to 100%%",
                              a->skip_bad);
    }
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"stretch", "crop", "letterbox"};
        if (!strcmp(a->fit, names[i])) o.fit = (weft_fit)i;
    }
    *out = o;
    return WEFT_OK;
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
                         .loader_threads = a->loader_threads};
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
    o.augment = (weft_augment){.flip = a->flip,
                               .flip_vertical = a->flip_vertical,
                               .shift = a->shift,
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
