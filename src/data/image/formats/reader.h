/* reader.h: what a reader of one file format offers. One reader is one file and one row
 * in table.def. */
#ifndef WEFT_SRC_DATA_IMAGE_FORMATS_READER_H
#define WEFT_SRC_DATA_IMAGE_FORMATS_READER_H

#include "data/dataset.h"
#include "data/sink.h"

/* A decoded picture before it is brought to size. pixels is malloc()ed, channels-last,
 * 8 bit; NULL when only the header was read. channels is 1 or 3. */
typedef struct weft__picture {
    int channels, height, width;
    unsigned char *pixels;
    const char *format; /* "PNG", "JPEG", ...; NULL for raw samples */
    bool misnamed;      /* the file's ending is another format's */
} weft__picture;

/* The samples that a reader found, before they are checked and split. */
typedef struct weft__source weft__source;
typedef struct weft__reader {
    const char *name;
    /* Does path look like this format? Cheap; no messages. */
    bool (*probe)(const char *path);
    /* Finds all samples and labels (the format's own headers checked, no picture
     * decoded). */
    weft_status (*open)(const char *path, const weft_dataset_opts *opts,
                        const weft__sink *sink, weft__source **out);
    void (*close)(weft__source *s); /* takes NULL and half-made sources */
    /* Channels and size of one sample from its header, no pixels. NULL when the source
     * says them for all. Thread-safe. */
    weft_status (*header)(const weft__source *s, weft_subset split, int i,
                          weft__picture *out);
    /* Decodes one sample; the pixels are the caller's. Thread-safe. */
    weft_status (*read)(const weft__source *s, weft_subset split, int i,
                        weft__picture *out);
    /* Where a sample comes from, for people: a path, or "FILE#123". */
    void (*name_of)(const weft__source *s, weft_subset split, int i, char *text,
                    size_t size);
    /* Adds what identifies a sample wherever the set lies (name in the set, bytes). */
    void (*stamp)(const weft__source *s, weft_subset split, int i, weft__sha256 *hash);
} weft__reader;

/* The part that every reader fills in; a reader's own source starts with it. */
struct weft__source {
    int classes;
    char **class_name; /* [classes], each malloc()ed */
    int count[3];      /* samples by weft_subset; val may be 0, to be split off */
    /* 0 .. classes-1. Where targets are values, names of classes are numbers, and two may
     * be equal */
    int32_t *label[3];
    int channels, height, width;    /* of every sample, or 0 when they differ */
    const unsigned char *pixels[3]; /* all samples decoded, one after another; or NULL */
};

/* Frees the names and labels of a source (not the struct). */
void weft__source_clear(weft__source *s);
/* A reader's read() where all pixels are in memory: a copy. */
weft_status weft__source_read(const weft__source *s, weft_subset split, int i,
                              weft__picture *out);

#define READER(name) extern const weft__reader weft_reader_##name;
#include "data/image/formats/table.def"
#undef READER

#endif
