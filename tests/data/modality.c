/* Tests of the contract of modalities: each is found by its data, its preprocessing
 * travels in a model's metadata, its samples and a user's items are the same to a
 * network, and what options leave open follows from the data. */
#include "data/text/text_make.h"

#include "data/image/image.h"
#include "data/text/text.h"
#include "weft/ops.h"

static const char *pictures(const char *name, int channels, int side, bool signs)
{
    const char *folder = make_folder(name);
    char path[1200];
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 6; i++) {
            const char *class = signs ? c ? "1" : "0" : c ? "dog" : "cat";
            snprintf(path, sizeof path, "%s/%s", folder, class);
            CHECK(weft__make_folders(path) == WEFT_OK);
            snprintf(path, sizeof path, "%s/%s/%d.p%cm", folder, class, i,
                     channels == 1 ? 'g' : 'p');
            write_pnm(path, channels, side, side, 10 * i + c, 100 + 5 * i);
        }
    return folder;
}

static const char *texts(void)
{
    return make_file("t.tsv",
                     "good film\tpos\nbad film\tneg\na good one\tpos\nawful\tneg\n");
}

static weft_dataset *opened(const char *path, const char *modality)
{
    weft_dataset *d = NULL;
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.no_val = true}, &d) == WEFT_OK);
    CHECK_TEXT(weft_dataset_modality(d), modality);
    return d;
}

static void a_path_says_what_lies_there(void **state)
{
    weft_dataset *d = NULL;
    const char *path = pictures("probe", 1, 4, false);
    (void)state;
    weft_dataset_close(opened(path, "image"));
    weft_dataset_close(opened(texts(), "text"));
    for (int i = 0; weft__modality_at(i); i++)
        CHECK(weft__modality_named(weft__modality_at(i)->name) == weft__modality_at(i));
    CHECK(!weft__modality_at(-1) && !weft__modality_named("sound"));
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.modality = "text"}, &d) ==
          WEFT_EDATA);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.modality = "tensor"}, &d) ==
          WEFT_EUSAGE);
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.modality = "imgae"}, &d) ==
          WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "modality imgae: is unknown (did you mean image?)");
    CHECK(weft_dataset_open(path, &(weft_dataset_opts){.target = (weft_target_kind)7},
                            &d) == WEFT_EUSAGE);
    CHECK(!d);
}

/* ---- metadata, items ---- */

static weft_graph *network_for(const weft__preprocess *p, weft_value *x)
{
    weft_graph *g = weft_graph_new();
    weft_zoo_opts o = {0};
    p->modality->network(p, &o);
    if (!strcmp(p->modality->name, "image")) {
        *x = weft_input(g, "x", WEFT_SHAPE(0, o.channels, o.height, o.width));
        weft_output(g, weft_relu(g, *x), "y");
        return g;
    }
    *x = weft_input_int(g, "tokens", WEFT_SHAPE(0, o.length), o.vocabulary[0]);
    weft_input_int(g, "pairs", WEFT_SHAPE(0, o.length), o.vocabulary[1]);
    weft_input_int(g, "lengths", WEFT_SHAPE(0), 1 << 20);
    return g;
}

/* What save wrote, load reads again. */
static weft__preprocess *reloaded(const weft__preprocess *p, const weft_graph *g)
{
    weft_meta *m = weft_meta_new();
    weft__preprocess *q = NULL;
    CHECK(p->modality->save(p, m) == WEFT_OK);
    CHECK(p->modality->load(m, g, "m.onnx", &q) == WEFT_OK);
    CHECK(q->modality == p->modality);
    weft_meta_free(m);
    return q;
}

static void pictures_of_a_user_are_those_of_the_set(void **state)
{
#ifdef WEFT_HAVE_JANSSON
    weft_dataset *d = opened(pictures("items", 3, 5, false), "image");
    weft_value x;
    weft_loader *l;
    weft_batch b;
    void *items = NULL;
    char name[600];
    unsigned char pixels[75], *file;
    size_t size;
    int tokens, unknown;
    CHECK(!weft_loader_new(d, &(weft_loader_opts){.batch = 12}, &l));
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b) && b.n == 12);
    weft_graph *g = network_for(d->preprocess, &x);
    weft__preprocess *p = reloaded(d->preprocess, g);
    CHECK(!memcmp(weft__image_preprocess_of(p)->mean,
                  weft__image_preprocess_of(d->preprocess)->mean, sizeof(float[4])));
    CHECK(!memcmp(weft__image_preprocess_of(p)->std,
                  weft__image_preprocess_of(d->preprocess)->std, sizeof(float[4])));
    weft_dataset_opts o = {0};
    weft_modality_image.opts_for(p, &o);
    CHECK(o.image.channels == 3 && o.image.height == 5 && o.image.width == 5);
    weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, 7, name, sizeof name);
    CHECK(weft_dataset_image(d, WEFT_SUBSET_TRAIN, 7, pixels) == WEFT_OK);
    CHECK(weft__file_read(name, 10000, &file, &size) == WEFT_OK);
    const weft_item item[] = {
        {.path = name}, {.pixels = pixels}, {.bytes = file, .size = size}};
    CHECK(weft_modality_image.items_new(p, 3, &items) == WEFT_OK);
    for (int i = 0; i < 3; i++)
        CHECK(!weft_modality_image.items_put(items, i, &item[i], &tokens, &unknown));
    const weft_batch *own = weft_modality_image.items_batch(items, 3);
    for (int i = 0; i < 3; i++)
        CHECK(!memcmp(own->x + 75 * i, b.x + 75 * 7, 75 * sizeof *b.x));
    CHECK(weft_modality_image.items_put(items, 0, &(weft_item){.text = "cat"}, &tokens,
                                        &unknown) == WEFT_EUSAGE);
    CHECK(weft_modality_image.items_put(items, 0,
                                        &(weft_item){.bytes = "GIF8", .size = 4}, &tokens,
                                        &unknown) == WEFT_EDATA);
    CHECK(weft_modality_image.items_put(items, 0, &(weft_item){.path = "/no/file.png"},
                                        &tokens, &unknown) == WEFT_EIO);
    weft_modality_image.items_free(items);
    free(file);
    weft_loader_free(l);
    weft_modality_image.free(p);
    weft_graph_free(g);
    weft_dataset_close(d);
#endif
    (void)state;
}

static void texts_of_a_user_are_those_of_the_set(void **state)
{
#ifdef WEFT_HAVE_JANSSON
    weft_dataset *d = NULL;
    weft_dataset_opts o = {.no_val = true, .text.tokenizer.ngrams = 2};
    weft_value x;
    weft_loader *l;
    weft_batch b;
    void *items = NULL;
    int tokens, unknown;
    CHECK(weft_dataset_open(texts(), &o, &d) == WEFT_OK);
    CHECK(!weft_loader_new(d, &(weft_loader_opts){.batch = 4}, &l));
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b) && b.n == 4);
    weft_graph *g = network_for(d->preprocess, &x);
    weft__preprocess *p = reloaded(d->preprocess, g);
    CHECK(weft_modality_text.items_new(p, 4, &items) == WEFT_OK);
    for (int i = 0; i < 4; i++) {
        const weft_item item = {
            .text = weft_dataset_text(d, WEFT_SUBSET_TRAIN, b.index[i], NULL)};
        CHECK(!weft_modality_text.items_put(items, i, &item, &tokens, &unknown));
        CHECK(tokens == b.lengths[i] && unknown == 0);
    }
    const weft_batch *own = weft_modality_text.items_batch(items, 4);
    size_t count = 4 * (size_t)b.length;
    CHECK(own->length == b.length && own->streams == 2 && b.streams == 2);
    for (int s = 0; s < 2; s++)
        CHECK(!memcmp(own->tokens[s], b.tokens[s], count * sizeof(int32_t)));
    CHECK(!memcmp(own->lengths, b.lengths, 4 * sizeof(int32_t)));
    CHECK(!weft_modality_text.items_put(items, 0, &(weft_item){.text = "good new ideas"},
                                        &tokens, &unknown));
    CHECK(tokens == 3 && unknown == 2);
    CHECK(weft_modality_text.items_put(items, 0, &(weft_item){.path = "x"}, &tokens,
                                       &unknown) == WEFT_EUSAGE);
    weft_modality_text.items_free(items);
    weft_loader_free(l);
    weft_modality_text.free(p);
    weft_graph_free(g);
    weft_dataset_close(d);
#endif
    (void)state;
}

static void metadata_that_is_missing_has_defaults_or_is_refused(void **state)
{
    weft_meta *m = weft_meta_new();
    weft_graph *g = weft_graph_new();
    weft__preprocess *p = NULL;
    (void)state;
    CHECK(weft_modality_image.load(m, g, "m.onnx", &p) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "m.onnx: ");
    CHECK(weft_modality_text.load(m, g, "m.onnx", &p) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "m.onnx: ");
    weft_input(g, "x", WEFT_SHAPE(0, 3, 8, 9));
    CHECK(weft_modality_image.load(m, g, "m.onnx", &p) == WEFT_OK);
    const weft__image_preprocess *i = weft__image_preprocess_of(p);
    CHECK(i->channels == 3 && i->height == 8 && i->width == 9 && !i->fit);
    for (int k = 0; k < 4; k++) CHECK(i->mean[k] == 0 && i->std[k] == 1);
    weft_modality_image.free(p);
    weft_graph_free(g);
    g = weft_graph_new();
    weft_input(g, "x", WEFT_SHAPE(0, 4, 8, 9));
    CHECK(weft_modality_image.load(m, g, "m.onnx", &p) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "pictures of 4 channels");
    weft_graph_free(g);
    weft_meta_free(m);
}

/* ---- into a plan ---- */

static void batches_go_into_the_networks_inputs(void **state)
{
    const char *path[] = {pictures("bind", 3, 5, false), texts()};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        weft_dataset *d = NULL;
        weft_dataset_opts o = {.no_val = true, .text.tokenizer.ngrams = 2};
        weft_value x;
        weft_loader *l;
        weft_batch b;
        weft_plan *p = NULL;
        CHECK(weft_dataset_open(path[kind], &o, &d) == WEFT_OK);
        CHECK(!weft_loader_new(d, &(weft_loader_opts){.batch = 4}, &l));
        CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b));
        weft_graph *g = network_for(d->preprocess, &x);
        if (kind) /* something that reads the texts */
            weft_output(g,
                        weft_embedding(g, x, weft_param(g, "e", WEFT_SHAPE(20, 2)), NULL),
                        "y");
        CHECK(!weft_plan_new(
            g, &(weft_plan_opts){.batch = 4, .keep = &x, .keep_count = !kind}, &p));
        if (kind) {
            CHECK(weft_loader_bind(l, &b, p) == WEFT_OK);
            CHECK(weft_plan_forward(p) == WEFT_OK);
        } else {
            float back[300];
            CHECK(weft_loader_bind(l, &b, p) == WEFT_OK);
            CHECK(weft_plan_get(p, x, back, 300) == WEFT_OK);
            for (int i = 0; i < 4; i++)
                for (int c = 0; c < 3; c++)
                    for (int q = 0; q < 25; q++)
                        CHECK(back[(i * 3 + c) * 25 + q] == b.x[(i * 25 + q) * 3 + c]);
        }
        weft_plan_free(p);
        weft_loader_free(l);
        weft_graph_free(g);
        weft_dataset_close(d);
    }
}

static void inputs_that_do_not_suit_are_named(void **state)
{
    weft_dataset *d = opened(pictures("suit", 1, 5, false), "image"),
                 *t = opened(texts(), "text");
    weft__inputs in;
    (void)state;
    CHECK(!weft_dataset_fit(d) && !weft_dataset_fit(t));
    weft_graph *g = weft_graph_new();
    CHECK(weft_modality_image.inputs(d->preprocess, g, &in) == WEFT_EUSAGE);
    CHECK(weft_modality_text.inputs(t->preprocess, g, &in) == WEFT_EUSAGE);
    weft_input(g, "x", WEFT_SHAPE(0, 3, 5, 5));
    CHECK(weft_modality_image.inputs(d->preprocess, g, &in) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "takes 3x5x5 pictures (x), the data are 1x5x5");
    weft_input_int(g, "tokens", WEFT_SHAPE(0, 77), 9);
    weft_input_int(g, "lengths", WEFT_SHAPE(0), 78);
    CHECK(weft_modality_text.inputs(t->preprocess, g, &in) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "reads 77 tokens of a text, the tokenizer gives 3");
    weft_graph_free(g);
    weft_dataset_close(d);
    weft_dataset_close(t);
}

static void a_network_is_told_its_input_side(void **state)
{
    weft_dataset *d = opened(pictures("side", 3, 5, false), "image"),
                 *t = opened(texts(), "text");
    weft_zoo_opts o = {.hidden = 5};
    (void)state;
    CHECK(weft_dataset_network(d, &o) == WEFT_OK);
    CHECK(o.channels == 3 && o.height == 5 && o.width == 5 && o.outputs == 2 &&
          o.hidden == 5);
    o = (weft_zoo_opts){0};
    CHECK(weft_dataset_network(t, &o) == WEFT_OK);
    CHECK(o.length == 3 && o.streams == 1 && o.vocabulary[0] == 2 + 6 && o.outputs == 2);
    CHECK(weft_dataset_tokenizer(t) && !weft_dataset_tokenizer(d));
    weft_dataset_close(d);
    weft_dataset_close(t);
}

/* ---- options ---- */

static weft__recipe chosen(weft_dataset *d, const char *model, const char *optimizer,
                           const char *augment)
{
    weft__image_args a;
    weft__recipe r = {.model = model, .optimizer = optimizer, .dropout = -1};
    weft_modality_image.options_start(&a);
    a.augment = augment;
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    weft_modality_image.options_choose(&a, d, &r);
    return r;
}

static void what_is_open_follows_from_the_pictures(void **state)
{
    weft_dataset *grey = opened(pictures("grey", 1, 28, true), "image");
    weft_dataset *colour = opened(pictures("colour", 3, 40, false), "image");
    weft_dataset *large = opened(pictures("large", 3, 80, false), "image");
    const weft_augment *how = &colour->opts.image.augment;
    (void)state;
    weft__recipe r = chosen(grey, NULL, NULL, NULL);
    CHECK_TEXT(r.model, "small-cnn");
    CHECK_TEXT(r.optimizer, "sgd");
    CHECK(r.lr == 0.05 && r.epochs == 15 && r.batch == 128 && r.dropout == 0.3);
    CHECK(grey->opts.image.augment.flip == 0); /* classes are digits */
    CHECK(grey->opts.image.augment.translate == 1);
    r = chosen(colour, NULL, NULL, NULL);
    CHECK_TEXT(r.model, "resnet20");
    CHECK(r.lr == 0.1 && r.momentum == 0.9 && r.weight_decay == 5e-4 && r.dropout == 0);
    CHECK(how->flip == 0.5 && how->translate == 5 && how->rotate == 0);
    r = chosen(colour, "lenet5", "adamw", "strong");
    CHECK_TEXT(r.model, "lenet5");
    CHECK(r.lr == 2e-3 && r.weight_decay == 0.05 && r.momentum == 0);
    CHECK(how->rotate == 10 && how->brightness == 0.2 && how->saturation == 0.2 &&
          how->cutout == 10);
    chosen(colour, NULL, NULL, "none");
    CHECK(how->flip == 0 && how->translate == 0 && how->rotate == 0);
    CHECK(!weft__dataset_mixes(colour));
    weft_dataset_set_augment(colour, &(weft_augment){.mixup = 0.2});
    CHECK(weft__dataset_mixes(colour));
    CHECK_TEXT(chosen(large, NULL, NULL, NULL).model, "resnet18");
    weft_dataset_close(grey);
    weft_dataset_close(colour);
    weft_dataset_close(large);
}

static void what_is_open_follows_for_texts(void **state)
{
    weft_dataset *t = opened(texts(), "text");
    weft__text_args a = {0};
    weft__recipe r = {.dropout = -1};
    weft_dataset_opts o = {0};
    (void)state;
    weft_modality_text.options_choose(&a, t, &r);
    CHECK_TEXT(r.model, "cnn-bigru");
    CHECK_TEXT(r.optimizer, "adamw");
    CHECK(r.epochs == 8 && r.batch == 64 && r.lr == 1e-3 && r.clip_norm == 5);
    CHECK(r.smoothing == 0.1 && r.weight_decay == 0.01 && r.momentum == 0);
    CHECK(weft_option_set(weft_option_find(weft_modality_text.options, "unit", 4), "char",
                          &a) == WEFT_OK); /* an old word for --level */
    CHECK(weft_modality_text.options_apply(&a, &o) == WEFT_OK);
    CHECK(o.text.tokenizer.level == WEFT_LEVEL_CHAR);
    a.vector_words = "x";
    CHECK(weft_modality_text.options_apply(&a, &o) == WEFT_EUSAGE);
    weft_dataset_close(t);
}

static void a_resumed_run_must_agree_on_a_setting(void **state)
{
    weft_dataset *d = opened(pictures("setting", 1, 5, false), "image"),
                 *t = opened(texts(), "text");
    char a[200], b[200];
    (void)state;
    CHECK(!weft_dataset_fit(d) && !weft_dataset_fit(t));
    weft_dataset_set_augment(d,
                             &(weft_augment){.flip = 0.5, .translate = 2, .mixup = 0.25});
    CHECK_TEXT(weft_modality_image.setting(d, d->preprocess, a, sizeof a),
               "augmentation");
    CHECK_TEXT(a, "0.5 0 2 0 0 0 0 0 0 0.25");
    CHECK_TEXT(weft_modality_text.setting(t, t->preprocess, a, sizeof a), "tokenizer");
    weft_tokenizer *k = NULL;
    CHECK(!weft_tokenizer_learn(t, &(weft_tokenizer_opts){.min_count = 2}, &k));
    const weft__text_preprocess p = {{&weft_modality_text}, k};
    weft_modality_text.setting(t, &p.base, b, sizeof b);
#ifdef WEFT_HAVE_JANSSON
    CHECK(strlen(a) == 16 && strcmp(a, b));
#endif
    t->opts.text.mixed_lengths = true;
    weft_modality_text.setting(t, t->preprocess, b, sizeof b);
    CHECK(!strncmp(a, b, strlen(a)) && strstr(b, ", mixed lengths"));
    weft_tokenizer_free(k);
    weft_dataset_close(d);
    weft_dataset_close(t);
}

RUN_TESTS(TEST(a_path_says_what_lies_there),
          TEST(pictures_of_a_user_are_those_of_the_set),
          TEST(texts_of_a_user_are_those_of_the_set),
          TEST(metadata_that_is_missing_has_defaults_or_is_refused),
          TEST(batches_go_into_the_networks_inputs),
          TEST(inputs_that_do_not_suit_are_named), TEST(a_network_is_told_its_input_side),
          TEST(what_is_open_follows_from_the_pictures),
          TEST(what_is_open_follows_for_texts),
          TEST(a_resumed_run_must_agree_on_a_setting))
